"""How work is cut into jobs: paths follow from the config's names, the first dry run shows all, and the store keeps what was done."""

import re
import shutil
from collections import Counter

from tests.workflow.workspace import SURVEY

TRAIN, SCORE = "train_fold_adapters", "score_respondents"
TABLES = f"results/surveys/{SURVEY}/predictions/small/tuned"


def run(workspace, *arguments):
    """Run to the end and return what the terminal showed."""
    ended = workspace.run(*arguments)
    assert ended.code == 0, ended.terminal
    return ended.terminal


def trained(workspace, condition, seed=24):
    """The adapters that a job trained, in order; of others its log only says that it ended."""
    log = workspace.folder / "logs" / TRAIN / SURVEY / "small/tuned" / condition / f"seed-{seed}.log"
    text = log.read_text()
    assert "ended" in text
    return re.findall(r"(\w+, seed \d+, fold \d+): trained", text)


def jobs(terminal):
    """The jobs of training and scoring that a run, dry or not, has shown, by rule, each as 'condition seed'."""
    found = re.findall(
        rf"\n(?:local)?rule ({TRAIN}|{SCORE}):.*?\n    wildcards: [^\n]*?condition=(\w+), seed=(\d+)\n",
        terminal,
        re.S,
    )
    return {
        rule: {f"{condition} {seed}" for name, condition, seed in found if name == rule}
        for rule in (TRAIN, SCORE)
    }


def contents_of_store(workspace):
    return {path: path.stat().st_mtime_ns for path in (workspace.folder / "results/.store").glob("*/*")}


def test_the_first_dry_run_shows_the_whole_plan(fresh):
    fresh.config["surveys"][SURVEY]["seeds"] = [24, 25]
    fresh.save()
    every = {f"{condition} {seed}" for condition in ("full", "half") for seed in (24, 25)}
    plan = run(fresh, "--dry-run")
    assert jobs(plan) == {TRAIN: every, SCORE: every}
    assert {"prepare_model", "evaluate_votes", "render_report"} <= set(
        re.findall(r"^\w*rule (\w+):", plan, re.M)
    )


def test_a_job_trains_all_folds_of_a_condition_and_seed(finished):
    for condition in ("full", "half"):
        assert trained(finished, condition) == [f"{condition}, seed 24, fold {fold}" for fold in (0, 1)]
        assert all(finished.weights(condition, fold).is_file() for fold in (0, 1))


def test_a_further_seed_trains_and_scores_itself_alone(copied):
    copied.config["surveys"][SURVEY]["seeds"] = [24, 25]
    copied.save()
    before = contents_of_store(copied)
    targets = [f"{TABLES}/full/seed-{seed}.parquet" for seed in (24, 25)]
    assert jobs(run(copied, *targets)) == {TRAIN: {"full 25"}, SCORE: {"full 25"}}
    after = contents_of_store(copied)
    assert {path: after[path] for path in before} == before
    assert Counter(path.parent.name for path in after.keys() - before.keys()) == {
        "adapters": 2,
        "predictions": 1,
    }


def test_a_lost_adapter_comes_back_from_the_store_without_training(copied):
    lost, kept = copied.weights("half", 1), copied.weights("half", 0)
    weights = lost.read_bytes()
    shutil.rmtree(lost.parent)
    run(copied, str(lost.relative_to(copied.folder)))
    assert trained(copied, "half") == []
    assert lost.read_bytes() == weights and kept.exists()


def test_two_conditions_that_leave_out_the_same_people_share_their_adapters(copied):
    copied.config["surveys"][SURVEY]["conditions"]["again"] = {"share": 0.5}
    copied.save()
    before = contents_of_store(copied)
    run(copied, str(copied.weights("again").relative_to(copied.folder)))
    assert trained(copied, "again") == []
    assert contents_of_store(copied) == before
    assert copied.weights("again").read_bytes() == copied.weights("half").read_bytes()


def test_any_seed_can_be_asked_for_by_hand(fresh):
    plan = run(fresh, "--dry-run", f"{TABLES}/half/seed-99.parquet")
    assert jobs(plan) == {TRAIN: {"half 99"}, SCORE: {"half 99"}}


EDITS = [
    ("stimmung/engine/scoring/readouts.py", "share their first token, so", "begin with the same token, so"),
    ("stimmung/workflow/job.py", "no disk space left for", "there is no disk space left for"),
    (
        "stimmung/vocabulary/votes_schemas.py",
        '    columns(int, "n_folds", "n_respondents"),\n',
        '    columns(int, "n_folds", "n_respondents"),\n    columns(float, "of_tomorrow", required=False),\n',
    ),
]


def test_edited_messages_and_another_table_s_column_train_and_score_nothing_again(copied):
    for file, before, after in EDITS:
        path = copied.folder / file
        text = path.read_text(encoding="utf-8")
        assert before in text, file
        path.write_text(text.replace(before, after, 1), encoding="utf-8")
    # The rules run again, for their code has changed, and find everything in the store.
    rules = {f"{rule} {condition}" for rule in (TRAIN, SCORE) for condition in ("full", "half")}
    assert rules <= copied.planned()
    kept = contents_of_store(copied)
    run(copied, f"{TABLES}/full/seed-24.parquet")
    assert contents_of_store(copied) == kept
    assert trained(copied, "full") == []
