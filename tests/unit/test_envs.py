"""The conda environments are for sites that want them; they must hold what pip installs."""

import re
import tomllib
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[2]
ENVS = sorted((ROOT / "envs").glob("*.yaml"))
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]


def pins(requirements):
    return dict(requirement.split("==") for requirement in requirements)


def pip_of(env):
    content = yaml.safe_load(env.read_text())
    return next(part["pip"] for part in content["dependencies"] if isinstance(part, dict))


def test_there_are_environments():
    assert ENVS


@pytest.mark.parametrize("env", ENVS, ids=lambda env: env.stem)
def test_pins_are_those_of_the_project(env):
    installed = pins(PROJECT["dependencies"])
    assert {name: pin for name, pin in pins(pip_of(env)).items() if installed.get(name) != pin} == {}


def test_everything_is_pinned_exactly():
    every = [*PROJECT["dependencies"], *PROJECT["optional-dependencies"]["dev"]]
    assert [one for one in every if not re.fullmatch(r"[A-Za-z0-9_-]+==[0-9][0-9.]*", one)] == []


@pytest.mark.parametrize("env", ENVS, ids=lambda env: env.stem)
def test_python_is_one_that_the_project_allows(env):
    python = next(
        part for part in yaml.safe_load(env.read_text())["dependencies"] if str(part).startswith("python=")
    )
    assert PROJECT["requires-python"] == f">={python.removeprefix('python=')}"
