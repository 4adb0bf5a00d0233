"""YAML files are read without YAML's traps."""

from pathlib import Path

import pytest
import yaml

from stimmung.study.reading import load_codebook, load_layout, merged_config, read_yaml
from stimmung.vocabulary.errors import InputError
from stimmung.workflow.startup import study_or_exit

ROOT = Path(__file__).parents[3]
TWICE = "a:\n  b: 1\n  c: 2\n  b: 3\n"


def read(path, text):
    path.write_text(text, encoding="utf-8")
    return read_yaml(path, "config", "hint")


@pytest.mark.parametrize("reader", [load_codebook, load_layout, lambda path: merged_config([path], ROOT)])
def test_fault_u_a_key_given_twice_in_any_file_is_told_with_both_lines(tmp_path, reader):
    path = tmp_path / "twice.yaml"
    path.write_text(TWICE)
    with pytest.raises(InputError, match=r"twice\.yaml: 'b' is given twice, in lines 2 and 4"):
        reader(path)


def test_fault_u_the_files_of_a_run_are_read_again_because_snakemake_sees_the_last_key_only(tmp_path, capsys):
    path = tmp_path / "study.yaml"
    path.write_text("folds: 3\nfolds: 5\n")
    config = merged_config([], ROOT)
    study_or_exit(config, [ROOT / "config.yaml"])
    with pytest.raises(SystemExit):
        study_or_exit(config, [ROOT / "config.yaml", path])
    assert "'folds' is given twice, in lines 1 and 2" in capsys.readouterr().err


def test_anchors_and_merges_are_no_repetition(tmp_path):
    text = "a: &a {x: 1, y: 2}\nb: {<<: *a, y: 3}\nc: {<<: *a, x: 4}\nd: *a\n1: one\n'1': text\n"
    assert read(tmp_path / "merged.yaml", text) == yaml.safe_load(text)


def test_fault_am_a_number_with_a_leading_zero_is_told(tmp_path):
    with pytest.raises(InputError, match="line 1: YAML reads 010 as an octal number"):
        read(tmp_path / "zero.yaml", "code: 010\n")
    assert read(tmp_path / "text.yaml", "[0, 10, -3, 1.05, '010', 2020-01-02]")[0] == 0


@pytest.mark.parametrize("path", sorted((ROOT / "codebooks").rglob("*.yaml")), ids=lambda path: path.stem)
def test_the_files_of_this_repository_read_as_yaml_says(path):
    assert read_yaml(path, "codebook", "hint") == yaml.safe_load(path.read_text(encoding="utf-8"))


def test_fault_al_git_does_not_see_licensed_data():
    assert "/data/" in (ROOT / ".gitignore").read_text().split()
