"""Study A on made-up respondents: a small run from building `tiny` to its report, and the whole of it as a plan."""

import json
import re
import shutil

import pandas as pd
import pytest
import yaml

from tests.workflow.workspace import REPOSITORY, Workspace

STUDY, SIMULATED = "studies/gles2017.yaml", "studies/gles2017-simulated.yaml"
SMALL = "studies/gles2017-small.yaml"
CONDITIONS = ["full", "students-without-party", "complete", "as-many-as-complete"]
RESULTS = "results/surveys/gles2017"
RULES = {
    "all", "read_survey", "split_respondents", "build_prompts", "prepare_model", "train_fold_adapters", "score_respondents",
    "predict_baselines", "evaluate_votes", "tabulate_votes", "plot_votes", "impute_answers", "record_run", "render_report",
}  # fmt: skip


class Gles(Workspace):
    """A folder with study A in it, which `files` configure."""

    def __init__(self, folder, files):
        super().__init__(folder, {"files": files})
        self.files = files

    def command(self, *arguments):
        command = super().command(*arguments)
        place = command.index("study.yaml")
        return [*command[:place], *self.files, *command[place + 1 :]]


def begin(folder, files):
    Workspace.begin(folder, "no-model")
    shutil.copytree(REPOSITORY / "studies", folder / "studies")
    return Gles(folder, files)


def with_fewer_texts(gles):
    """Let `tiny` be built from a tenth of its texts, a minute less: nothing here is about what it knows."""
    script = gles.folder / "scripts/build_tiny.py"
    text = script.read_text()
    for full, few in (
        ("questionnaires(6500,", "questionnaires(650,"),
        ("interviews(1800,", "interviews(180,"),
    ):
        assert full in text
        text = text.replace(full, few)
    script.write_text(text)


@pytest.fixture(scope="module")
def finished_gles(tmp_path_factory):
    """The small run at its end. It is shared: look, do not touch."""
    gles = begin(tmp_path_factory.mktemp("gles") / "study", (STUDY, SIMULATED, SMALL))
    with_fewer_texts(gles)
    ended = gles.run()
    assert ended.code == 0, ended.terminal
    return gles


def splits(gles, condition):
    return pd.read_parquet(gles.folder / RESULTS / f"splits/{condition}.parquet")


def test_it_runs_to_the_report_and_everything_says_that_nobody_was_asked(finished_gles):
    folder = finished_gles.folder / RESULTS
    page = (finished_gles.folder / "results/report.html").read_text(encoding="utf-8")
    assert "simulated" in page.lower() and "tiny/tuned" in page and "Nichtwähler" in page
    provenance = json.loads((folder / "provenance.json").read_text())
    assert provenance["simulated"] is True and "(simulated respondents)" in provenance["title"]
    for table in folder.glob("tables/*.csv"):
        assert (pd.read_csv(table)["data"] == "simulated").all(), table
    for figure in folder.glob("figures/*.svg"):
        assert "simulated" in figure.read_text(encoding="utf-8"), figure
    assert b"nobody was asked" in (folder / "simulated.sav").read_bytes()


def test_every_arm_and_baseline_predicts_all_eight_classes_of_every_respondent(finished_gles):
    folder = finished_gles.folder / RESULTS
    respondents = pd.read_parquet(folder / "respondents.parquet")
    assert len(respondents) == 160 and respondents.vote.nunique() == 8
    for method in ("tiny/tuned", "baselines/logistic"):
        for condition in CONDITIONS:
            table = pd.read_parquet(folder / f"predictions/{method}/{condition}/seed-24.parquet")
            # Who did not answer is predicted as well, and in no fold.
            assert len(table) == 160 and (table.fold >= 0).sum() == respondents.vote.notna().sum()
            assert len([name for name in table if name.startswith("p_")]) == 8
    # An untuned model answers alike wherever the prompts are the same.
    asked = {path.parent.name for path in folder.glob("predictions/tiny/zero-shot/*/*")}
    assert asked == {"full", "students-without-party"}
    examples = pd.read_parquet(folder / "predictions/tiny/few-shot/full/seed-24.parquet")
    alone = pd.read_parquet(folder / "predictions/tiny/zero-shot/full/seed-24.parquet")
    assert len(examples) == 160 and (examples.n_tokens > 2 * alone.n_tokens).all()


def test_the_base_is_the_built_in_model_that_the_run_itself_made(finished_gles):
    results = finished_gles.folder / "results"
    assert (results / "built-in/tiny/model.safetensors").exists()
    described = json.loads((results / "models/tiny/model.json").read_text())
    assert described["quantization"] == "nf4" and described["source"] == "results/built-in/tiny"
    record = json.loads(
        (finished_gles.folder / RESULTS / "adapters/tiny/tuned/full/seed-24/fold-0/training.json").read_text()
    )
    assert record["base_digest"] == described["digest"] and record["steps"] == 12


def test_respondents_speak_in_german_and_the_subgroups_are_measured_alone(finished_gles):
    folder = finished_gles.folder / RESULTS
    texts = pd.read_parquet(folder / "personas/full.parquet").text
    assert texts.str.startswith("Ich bin ").mean() > 0.9
    assert texts.str.endswith("Bei der Bundestagswahl 2017 wählte ich").all()
    without = pd.read_parquet(folder / "personas/students-without-party.parquet").text
    assert (
        texts.str.contains("Ich neige ").any() and not without.str.contains("Ich neige |Diese Neigung").any()
    )
    table = pd.read_parquet(folder / "predictions/tiny/persona/full/seed-24.parquet")
    assert "p_Nichtwähler" in table and len(table) == 160
    subgroups = pd.read_parquet(folder / "subgroup_metrics.parquet")
    counts = subgroups[subgroups.metric == "accuracy"].groupby("subgroup").n_respondents.max()
    assert set(counts.index) == {"with-party", "without-party"} and counts.min() > 5


def test_conditions_change_who_is_learned_from_and_never_who_is_tested(finished_gles):
    full, students = splits(finished_gles, "full"), splits(finished_gles, "students-without-party")
    respondents = pd.read_parquet(finished_gles.folder / RESULTS / "respondents.parquet")
    study = respondents.employment.isin(["Student", "Schüler"])
    assert (students.in_training == (full.in_training & study)).all() and students.fold.equals(full.fold)
    prompts = pd.read_parquet(finished_gles.folder / RESULTS / "prompts/students-without-party.parquet")
    assert not prompts.text.str.contains("Parteiidentifikation").any()
    complete, draw = splits(finished_gles, "complete"), splits(finished_gles, "as-many-as-complete")
    assert complete.in_training.sum() == draw.in_training.sum() < full.in_training.sum()


TUNED = ["llama-3.2-1b-instruct", "llama-3.2-3b-instruct", "llama-3.1-8b-instruct"]


def planned_jobs(gles):
    """The jobs that train, by model, each as condition and seed."""
    ended = gles.run("--dry-run")
    assert ended.code == 0, ended.terminal
    named = re.findall(
        r"\nrule train_fold_adapters:.*?"
        r"\n    wildcards: survey=gles2017, model=(\S+), arm=tuned, condition=(\S+), seed=(\d+)\n",
        ended.terminal,
        re.DOTALL,
    )
    found = {}
    for model, condition, seed in named:
        found.setdefault(model, []).append((condition, int(seed)))
    return found, set(re.findall(r"^(?:local)?rule (\w+):", ended.terminal, re.MULTILINE))


def test_the_whole_study_is_planned_at_once_each_condition_a_job(tmp_path):
    gles = begin(tmp_path / "study", (STUDY, SIMULATED))
    declared = yaml.safe_load((REPOSITORY / STUDY).read_text(encoding="utf-8"))["surveys"]["gles2017"]
    assert len(declared["conditions"]) == 22
    found, rules = planned_jobs(gles)
    assert set(found) == {"tiny"}
    assert sorted(found["tiny"]) == sorted((condition, 24) for condition in declared["conditions"])
    assert rules == RULES | {"simulate_survey", "build_tiny"}


def test_the_study_on_the_licensed_file_is_planned(tmp_path):
    gles = begin(tmp_path / "study", (STUDY,))
    # The licensed file, as far as a plan looks at it.
    (gles.folder / "data").mkdir()
    (gles.folder / "data/ZA6835_v1-0-0.sav").touch()
    found, rules = planned_jobs(gles)
    assert set(found) == set(TUNED) and rules == RULES | {"build_personas"}
