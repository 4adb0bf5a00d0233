"""A key in the store follows from everything that changes the numbers, and from nothing else."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from stimmung.store import keys
from stimmung.store.keys import adapter_key, digest_of_content, library_versions

ROOT = Path(__file__).parents[3]
DEPENDS_ON = {
    "version": 1,
    "base_digest": "b",
    "data_digest": "d",
    "settings": {"r": 8, "alpha": 16},
    "seed": 1,
}
CHANGES = [
    {"version": 2},
    {"base_digest": "B"},
    {"data_digest": "D"},
    {"settings": {"r": 4, "alpha": 16}},
    {"seed": 2},
]
# Whatever a contributor may reword without changing a number: an insertion before the first line that holds the text.
EDITS = {
    "stimmung/vocabulary/votes_schemas.py": "METRICS",
    "stimmung/engine/scoring/readouts.py": "def ",
    "stimmung/workflow/job.py": "def ",
}
PRINT_KEYS = """
from pathlib import Path
from stimmung.engine.base.preparing import prepared_key
from stimmung.engine.cohort.batching import TrainingRow
from stimmung.engine.cohort.training_config import Task, adapter_keys
from stimmung.store import keys
from stimmung.vocabulary.training import Training
assert Path(keys.__file__).is_relative_to(Path.cwd())
print(adapter_keys("base", Training(), [Task("a", [TrainingRow((1, 2, 3), 2)], 1)]))
print(prepared_key("org/model", "0" * 40, quantization="nf4", compute_dtype="float32", encoder=False))
"""


@pytest.mark.parametrize("change", CHANGES)
def test_whatever_changes_the_weights_changes_the_key(change):
    assert adapter_key(**{**DEPENDS_ON, **change}) != adapter_key(**DEPENDS_ON)


def test_the_order_of_settings_does_not():
    assert adapter_key(**{**DEPENDS_ON, "settings": {"alpha": 16, "r": 8}}) == adapter_key(**DEPENDS_ON)


@pytest.mark.parametrize("library", ["torch", "transformers", "peft", "bitsandbytes"])
def test_another_version_of_a_numerical_library_is_another_key(monkeypatch, library):
    before = adapter_key(**DEPENDS_ON)
    newer = library_versions() | {library: "99.0"}
    monkeypatch.setattr(keys, "library_versions", lambda: newer)
    assert adapter_key(**DEPENDS_ON) != before


def test_versions_are_those_that_are_installed():
    import torch
    import transformers

    assert library_versions()["transformers"] == transformers.__version__
    assert torch.__version__.startswith(library_versions()["torch"].split("+")[0])


def test_a_digest_tells_contents_apart():
    assert len({digest_of_content(one) for one in ([1], ["1"], {"a": 1}, {"a": 2}, None)}) == 5


def printed_keys(folder):
    command = [sys.executable, "-c", PRINT_KEYS]
    return subprocess.run(
        command, cwd=folder, env={"PYTHONPATH": str(folder)}, capture_output=True, text=True, check=True
    ).stdout


@pytest.mark.slow
def test_edits_of_a_schema_a_hint_or_a_message_change_no_key(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(ROOT)
    exec(PRINT_KEYS, {})
    before = capsys.readouterr().out
    shutil.copytree(ROOT / "stimmung", tmp_path / "stimmung", ignore=shutil.ignore_patterns("__pycache__"))
    for name, text in EDITS.items():
        content = (tmp_path / name).read_text()
        assert f"\n{text}" in content
        edited = content.replace(f"\n{text}", f'\nREWORDED = "an edit that changes no number"\n\n\n{text}', 1)
        (tmp_path / name).write_text(edited.replace('"""', '"""Reworded. ', 1))
    assert printed_keys(tmp_path) == before
