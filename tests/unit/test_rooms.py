"""The library's rooms import downwards only, so that a change in one can reach only those above it."""

import ast
import re
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[2] / "stimmung"
# From the top down; vocabulary stands at the bottom.
ROOMS = [
    "cli",
    "workflow",
    "study",
    "report",
    "estimator",
    "evaluation",
    "baselines",
    "engine",
    "store",
    "text",
    "data",
    "vocabulary",
]
FILES = sorted(PACKAGE.rglob("*.py"))


def imported(file):
    """Return every module that a file imports, at its head or within a function."""
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{file}: relative import"
            yield node.module


def room_of(file):
    parts = file.relative_to(PACKAGE).parts
    return parts[0] if len(parts) > 1 else None


def test_every_room_is_known():
    assert {path.parent.name for path in PACKAGE.glob("*/__init__.py")} == set(ROOMS)


@pytest.mark.parametrize("room", ROOMS)
def test_imports_run_downwards_only(room):
    above = ROOMS[: ROOMS.index(room)]
    upwards = [
        f"{file.relative_to(PACKAGE)} imports {name}"
        for file in FILES
        for name in imported(file)
        if room_of(file) == room and name.startswith("stimmung.") and name.split(".")[1] in above
    ]
    assert upwards == []


def test_no_file_name_is_used_twice():
    """A name in a traceback, or in a search for a file, means one file."""
    names = Counter(file.name for file in FILES if file.name != "__init__.py")
    assert {name for name, times in names.items() if times > 1} == set()


def test_the_store_knows_nothing_but_the_vocabulary():
    """The Snakefile, every script and the engine import it."""
    of_ours = {
        name.split(".")[1]
        for file in FILES
        for name in imported(file)
        if room_of(file) == "store" and name.startswith("stimmung.")
    }
    assert of_ours == {"store", "vocabulary"}


def test_only_the_engine_imports_torch_and_what_is_built_on_it():
    """The store may look into weights: safetensors itself needs no torch, its part for torch does."""
    of_the_engine = re.compile(
        r"(torch|transformers|peft|bitsandbytes|accelerate|safetensors\.torch|trl|datasets)(\.|$)"
    )
    elsewhere = {
        f"{file.relative_to(PACKAGE)} imports {name}"
        for file in FILES
        for name in imported(file)
        if room_of(file) != "engine" and of_the_engine.match(name)
    }
    assert elsewhere == set()


def test_the_library_never_imports_snakemake():
    assert [file for file in FILES if any(name.split(".")[0] == "snakemake" for name in imported(file))] == []


def test_what_the_snakefile_imports_is_light():
    """Snakemake reads the Snakefile once for each job: torch and the like there would cost seconds each time."""
    files = [PACKAGE.parent / "Snakefile", *(PACKAGE.parent / "rules").rglob("*.smk")]
    modules = {
        name
        for file in files
        for name in re.findall(r"^(?:from|import) (stimmung[\w.]*)", file.read_text(encoding="utf-8"), re.M)
    }
    assert modules
    code = f"import sys, {', '.join(sorted(modules))}; print(*sys.modules)"
    loaded = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=PACKAGE.parent
    )
    heavy = {"torch", "transformers", "pandas", "sklearn", "scipy", "matplotlib", "pyarrow"}
    assert heavy & set(loaded.stdout.split()) == set()
