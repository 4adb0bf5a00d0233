"""What is installed: the lock files hold exact versions of all that the project declares, and conda environments hold the same."""

import ast
import re
import sys
import tomllib
from importlib import metadata
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[2]
ENVS = sorted((ROOT / "envs").glob("*.yaml"))
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
DECLARED = PROJECT["dependencies"]
FOR_TESTS = PROJECT["optional-dependencies"]["dev"]


def plain(name):
    """Return a package's name as PyPI compares names."""
    return re.sub(r"[-_.]+", "-", name).lower()


def names_of(requirements):
    return {plain(requirement.split(">=")[0]) for requirement in requirements}


def pins_of(lines):
    return {plain(name): version for name, version in (line.split("==") for line in lines)}


def lines_of(lock):
    return [line for line in (ROOT / lock).read_text().splitlines() if not line.startswith(("#", "--"))]


def pip_of(env):
    content = yaml.safe_load(env.read_text())
    return next(part["pip"] for part in content["dependencies"] if isinstance(part, dict))


LOCKED = pins_of(lines_of("requirements.lock"))
LOCKED_FOR_TESTS = pins_of(lines_of("requirements-dev.lock"))


def test_a_lock_names_each_package_once_with_an_exact_public_version():
    lines = [*lines_of("requirements.lock"), *lines_of("requirements-dev.lock")]
    assert len(LOCKED) > len(DECLARED) and len(LOCKED_FOR_TESTS) > len(FOR_TESTS)
    assert [line for line in lines if not re.fullmatch(r"[A-Za-z0-9_.-]+==[0-9a-z.]+", line)] == []
    assert len(lines) == len(LOCKED | LOCKED_FOR_TESTS)


def test_what_is_declared_is_locked():
    assert names_of(DECLARED) - set(LOCKED) == set()
    assert names_of(FOR_TESTS) - set(LOCKED_FOR_TESTS) == set()


def test_what_is_locked_is_not_older_than_what_is_declared():
    locked = LOCKED | LOCKED_FOR_TESTS
    for requirement in [*DECLARED, *FOR_TESTS]:
        name, bound = requirement.split(">=")
        least = [int(part) for part in bound.split(".")]
        assert [int(part) for part in locked[plain(name)].split(".")[: len(least)]] >= least, requirement


def test_cuda_is_left_to_torch():
    assert [name for name in LOCKED if re.match("nvidia|cuda|triton", name)] == []


def test_what_the_code_imports_is_declared():
    """Packages that only come along with another one may be gone with its next version."""
    packages = metadata.packages_distributions()
    files = [*(ROOT / "stimmung").rglob("*.py"), *(ROOT / "scripts").glob("*.py")]
    imported = {
        name.split(".")[0]
        for file in files
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8")))
        for name in (
            [alias.name for alias in node.names]
            if isinstance(node, ast.Import)
            else [node.module]
            if isinstance(node, ast.ImportFrom) and node.module
            else []
        )
    }
    # Torch brings Triton where CUDA is, in the version that fits; elsewhere there is none, and nothing asks for it.
    imported -= {*sys.stdlib_module_names, "stimmung", "scripts", "triton"}
    assert {"torch", "pandas", "pydantic"} <= imported
    declared = names_of(DECLARED)
    assert {name for name in imported if not declared & {plain(one) for one in packages[name]}} == set()


@pytest.mark.parametrize("env", ENVS, ids=lambda env: env.stem)
def test_an_environment_s_pins_are_those_of_the_lock(env):
    pins = pins_of(pip_of(env))
    assert pins
    assert {name: pin for name, pin in pins.items() if LOCKED.get(name) != pin} == {}


@pytest.mark.parametrize("env", ENVS, ids=lambda env: env.stem)
def test_python_is_the_oldest_that_the_project_allows(env):
    python = next(
        part for part in yaml.safe_load(env.read_text())["dependencies"] if str(part).startswith("python=")
    )
    assert PROJECT["requires-python"] == f">={python.removeprefix('python=')}"


def test_there_are_environments():
    assert ENVS
