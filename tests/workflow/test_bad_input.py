"""What is wrong with an input is told in one line, on the terminal, and nothing half-written is left.

Each test makes one mistake that a user may make and runs snakemake as the user would.
"""

import copy
import json
import os
import re
import shutil
import subprocess

import pytest

from tests.workflow.small_model import save_small_model
from tests.workflow.workspace import CODEBOOK, MARKER, Workspace, voters

RESPONDENTS = "results/surveys/voters/respondents.parquet"
SPLITS = "results/surveys/voters/splits/full.parquet"
ADAPTERS = "results/surveys/voters/adapters/small/tuned"
TRAINED = f"{ADAPTERS}/full/seed-24/fold-0/adapter_model.safetensors"
PREDICTIONS = "results/surveys/voters/predictions/small/{arm}/full/seed-24.parquet"
MODEL = "results/models/small/model.json"


def assert_told(ended, message, hint=None):
    assert ended.code != 0, ended.terminal
    assert len(ended.errors) == 1, ended.terminal
    assert re.search(message, ended.errors[0]), ended.errors[0]
    lines = ended.terminal.splitlines()
    if hint:
        assert re.match(f"Hint: .*{hint}", lines[lines.index(ended.errors[0]) + 1])
    assert "Traceback" not in ended.terminal, ended.terminal


def assert_nothing_made(workspace, *patterns):
    """Nothing of the failed rule is there, nor a draft of it; what was made before it may be."""
    for pattern in (*patterns, "results/**/.[!s]*"):
        assert list(workspace.folder.glob(pattern)) == []


def test_a_misspelt_key_of_the_config(fresh):
    fresh.config["surveys"]["voters"]["few_shots_k"] = 2
    fresh.config["training"]["quick"]["learningrate"] = 0.1
    fresh.save()
    ended = fresh.run()
    assert_told(ended, r"unknown key 'surveys\.voters\.few_shots_k' \(did you mean 'few_shot_k'\?\)")
    # All mistakes at once.
    assert "'training.quick.learningrate' (did you mean 'learning_rate'?)" in ended.errors[0]
    assert_nothing_made(fresh, "results/*", "logs/*")


@pytest.mark.parametrize("arguments", [[], ["--dry-run"], [RESPONDENTS]], ids=str)
def test_a_survey_file_that_is_absent(fresh, arguments):
    (fresh.folder / "voters.csv").unlink()
    ended = fresh.run(*arguments)
    assert_told(ended, r"^ERROR: surveys\.voters: no survey file at voters\.csv$", "a path from where")
    assert ended.code == 1 and "Exception" not in ended.terminal
    assert ended.terminal.rstrip().splitlines()[-1].startswith("Hint: "), "nothing but our two lines"
    assert_nothing_made(fresh, "results/*", "logs/*", ".snakemake/locks/*")


def test_a_survey_file_that_is_gone_after_it_was_read(copied):
    (copied.folder / "voters.csv").unlink()
    assert copied.run("--dry-run").code == 0


@pytest.mark.parametrize(
    ("source", "told"),
    [
        ("./models/absent", "no model directory at ./models/absent"),
        ("data/models/absent", "no model directory at data/models/absent"),
        # The hub is asked for it by the job, which may run elsewhere.
        ("absent-1b", None),
    ],
)
def test_a_local_model_that_is_absent(fresh, source, told):
    fresh.config["models"]["small"]["source"] = source
    fresh.save()
    ended = fresh.run("--dry-run")
    if told:
        assert_told(ended, rf"^ERROR: models\.small: {re.escape(told)}$", "Hugging Face id")
    else:
        assert ended.code == 0, ended.terminal


PANEL = {
    "files": ["posts.csv"],
    "columns": {"text": "text", "time": "time", "author": None},
    "weeks": {"first": "2020-01-06", "last": "2020-03-02"},
    "questions": {"mood": {"stem": "How do you feel?", "options": ["Happy", "Sad"]}},
    "trackers": {"mood": {"file": "tracker.csv", "format": "tidy"}},
    "signals": {"peer": {"file": "peer.csv"}},
    "lexicon": {"file": "words.csv"},
    "arms": ["small/weekly"],
    "training": "quick",
    "seeds": [1],
}


def begin_panel(fresh, absent):
    fresh.config["run"] |= {"surveys": [], "panels": ["people"]}
    fresh.config["panels"] = {"people": PANEL}
    fresh.save()
    # Of what is not selected nothing is asked.
    (fresh.folder / "voters.csv").unlink()
    for name in {"posts.csv", "tracker.csv", "peer.csv", "words.csv"} - {absent}:
        (fresh.folder / name).touch()


@pytest.mark.parametrize(
    ("absent", "told"),
    [
        ("posts.csv", "files: no file of posts matches 'posts.csv'"),
        ("tracker.csv", "trackers.mood: no file at tracker.csv"),
        ("peer.csv", "signals.peer: no file at peer.csv"),
        ("words.csv", "lexicon: no lexicon at words.csv"),
        (None, None),
    ],
)
def test_a_file_of_a_panel_that_is_absent(fresh, absent, told):
    begin_panel(fresh, absent)
    ended = fresh.run("--dry-run")
    if told:
        assert_told(ended, rf"^ERROR: panels\.people\.{re.escape(told)}$")
    else:
        assert ended.code == 0, ended.terminal


def test_the_words_that_are_counted_are_an_input_of_counting(fresh):
    # So that another lexicon under the same name counts anew.
    begin_panel(fresh, "words.csv")
    assert_told(fresh.run("--dry-run", "results/panels/people/words.parquet"), "no lexicon at words.csv")


def test_a_survey_column_that_is_absent(fresh):
    (fresh.folder / "voters.csv").write_text(voters().replace("AGE", "AGES", 1))
    assert_told(
        fresh.run(RESPONDENTS),
        r"voters\.csv: no column is named or labelled 'AGE' \(did you mean 'AGES'\?\)",
        "codebook",
    )
    assert_nothing_made(fresh, "results/surveys/voters/*.*")


def test_a_code_that_the_codebook_does_not_know(fresh):
    lines = voters().splitlines()
    lines += ["odd-1,9,30,1,x", "odd-2,9,31,2,x"]
    (fresh.folder / "voters.csv").write_text("\n".join(lines) + "\n")
    ended = fresh.run(RESPONDENTS)
    assert_told(
        ended,
        r"item 'party' \(column 'PARTY'\): unknown code 9 in 2 rows",
        "under `options` or under `missing`",
    )
    assert_nothing_made(fresh, "results/surveys/voters/*.*")


def test_a_condition_that_leaves_nobody(fresh):
    everybody = {"party": ["red", "none", "blue"]}
    fresh.config["surveys"]["voters"]["conditions"]["full"] = {"exclude": everybody}
    fresh.save()
    assert_told(fresh.run(SPLITS), "condition 'full' leaves nobody to train on", "exclude")
    assert_nothing_made(fresh, "results/surveys/voters/splits/*")


def test_a_class_with_fewer_rows_than_folds(fresh):
    header, *rows = voters().splitlines()
    blue = [row for row in rows if row.split(",")[3] == "2"]
    rows = [row for row in rows if row not in blue[1:]]
    (fresh.folder / "voters.csv").write_text("\n".join([header, *rows]) + "\n")
    assert_told(
        fresh.run(SPLITS), "2 folds need 2 respondents for each answer, but 'Blue' has 1", "fewer folds"
    )
    assert_nothing_made(fresh, "results/surveys/voters/splits/*")


def test_an_option_that_the_tokenizer_cannot_tell_from_another(copied):
    codebook = copy.deepcopy(CODEBOOK)
    codebook["items"]["vote"]["options"][1]["label"] = "Red Blue"
    copied.save_codebook(codebook)
    trained = set(copied.folder.glob("results/.store/adapters/*"))
    ended = copied.run(PREDICTIONS.format(arm="tuned"))
    assert_told(
        ended, "cannot tell the answer options apart: 'Red' is the beginning of 'Red Blue'", "codebook"
    )
    assert_nothing_made(copied, TRAINED)
    # Nobody waits for a training first.
    assert set(copied.folder.glob("results/.store/adapters/*")) == trained


def test_a_prompt_longer_than_the_model_s_context_in_training_and_in_scoring(copied):
    codebook = {**CODEBOOK, "instruction": "How does this voter vote? " * 60 + "One of: {options}."}
    copied.save_codebook(codebook)
    copied.config["surveys"]["voters"]["arms"] = ["small/tuned", "small/zero-shot"]
    copied.save()
    ended = copied.run(TRAINED, PREDICTIONS.format(arm="zero-shot"))
    told = r"^ERROR: .*prompt of \d+ tokens does not fit the model's context of 256.*\nHint: .*drop items"
    assert ended.code != 0 and len(ended.errors) == 2, ended.terminal
    assert len(re.findall(told, ended.terminal, re.M)) == 2 and "Traceback" not in ended.terminal
    assert_nothing_made(copied, TRAINED, PREDICTIONS.format(arm="zero-shot"))


def test_a_model_directory_with_pickled_weights(tmp_path):
    model = save_small_model(tmp_path / "pickled")
    (model / "model.safetensors").rename(model / "pytorch_model.bin")
    workspace = Workspace.begin(tmp_path / "fresh", model)
    assert_told(workspace.run(MODEL), r"pickled holds pickled weights \(pytorch_model\.bin\)", "safetensors")
    assert_nothing_made(workspace, "results/models/small/*")


def test_a_corrupt_parquet_from_an_earlier_run(copied):
    table = copied.folder / RESPONDENTS
    table.write_bytes(table.read_bytes()[:300])
    ended = copied.run(SPLITS)
    assert_told(ended, rf"{RESPONDENTS} is not a readable parquet file", "delete it and run snakemake again")
    assert_nothing_made(copied, SPLITS)
    # The hint helps.
    table.unlink()
    assert copied.run(SPLITS).code == 0


def test_an_adapter_that_a_full_disk_or_a_copy_has_cut_off(copied):
    adapter = copied.folder / ADAPTERS / "full/seed-24/fold-0"
    stored = (
        copied.folder / "results/.store/adapters" / json.loads((adapter / "training.json").read_text())["key"]
    )
    shutil.rmtree(copied.folder / "results/.store/predictions")
    for folder in (adapter, stored):
        weights = folder / "adapter_model.safetensors"
        weights.write_bytes(weights.read_bytes()[:500])
    predictions = PREDICTIONS.format(arm="tuned")
    before = (copied.folder / predictions).read_bytes()
    (copied.folder / predictions).unlink()
    ended = copied.run(predictions)
    assert_told(ended, "no intact adapter in .*full/seed-24/fold-0, nor in the store", "Delete ")
    assert_nothing_made(copied, predictions)
    # The hint helps.
    shutil.rmtree(adapter)
    shutil.rmtree(stored)
    ended = copied.run(predictions)
    assert ended.code == 0, ended.terminal
    assert (copied.folder / predictions).read_bytes() == before


@pytest.mark.parametrize("shown", [False, True])
def test_what_a_defect_of_ours_quotes_stands_nowhere_unless_one_asks(fresh, monkeypatch, shown):
    script = fresh.folder / "scripts/read_survey.py"
    begins = "    table = respondents_table("
    assert begins in script.read_text()
    # pandas quotes the cell that is no number: here the name of a respondent.
    script.write_text(script.read_text().replace(begins, f'    survey.codes["id"].astype(float)\n{begins}'))
    if shown:
        monkeypatch.setenv("STIMMUNG_SHOW_MESSAGES", "1")
    ended = fresh.run(RESPONDENTS)
    written = [file for name in ("logs", ".snakemake/log") for file in (fresh.folder / name).rglob("*.log")]
    assert len(written) >= 2
    quoting = [file for file in written if MARKER in file.read_text()]
    assert ended.code != 0
    if shown:
        assert MARKER in ended.terminal and "Traceback" in ended.terminal and quoting
    else:
        assert MARKER not in ended.terminal and quoting == []
        # Once by the job, once as the end of its log, which Snakemake shows.
        assert re.search(
            r"^ERROR: read_survey: unexpected ValueError in scripts/read_survey.py; .* is in logs/",
            ended.errors[0],
        )
        assert "read_survey.py" in (fresh.folder / "logs/read_survey/voters.log").read_text()
    assert_nothing_made(fresh, "results/surveys/voters/*.*")


@pytest.fixture
def small_disk(fresh):
    """Mount a disk of a given size as the results folder."""
    results = fresh.folder / "results"
    results.mkdir(exist_ok=True)
    mounted = []

    def mount(size):
        if os.geteuid() != 0:
            pytest.skip("only root can mount a small disk")
        command = ["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(results)]
        made = subprocess.run(command, capture_output=True, text=True)
        if made.returncode != 0:
            pytest.skip(f"mounting a small disk is not permitted here: {made.stderr.strip()}")
        mounted.append(results)

    yield mount
    for folder in mounted:
        subprocess.run(["umount", str(folder)], check=True)


@pytest.mark.parametrize(
    ("target", "left"),
    [(RESPONDENTS, "results/surveys/voters/*.*"), (MODEL, "results/models/small/*.safetensors")],
)
def test_no_disk_space_for_the_results(fresh, small_disk, target, left):
    # A page of four kilobytes for each folder and file, and none for their content.
    small_disk("64k" if target == MODEL else "4k")
    assert_told(fresh.run(target), "no disk space left", "Free some space and run snakemake again")
    assert_nothing_made(fresh, left)
