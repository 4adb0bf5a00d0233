"""The panel branch as a user runs it: what is planned, and what a new week costs."""

import random
import re
import shutil

import pandas as pd
import pyarrow as pa
import pytest

from stimmung.data.posts.authors import as_hex, keyed_digests, load_salt
from tests.workflow.workspace import MARKER, Workspace

PANEL = {
    "simulate": {"posts_per_week": 40, "n_respondents": 50, "seed": 3},
    "min_posts": 1,
    "weeks": {"first": "2020-01-02", "last": "2020-01-16", "anchor": "THU"},
    "questions": {"mood": {"stem": "How?", "options": ["Happy", "Sad", "Bored"]}},
    "arms": ["small/weekly"],
    "training": "quick",
    "seeds": [1, 2],
}


ANSWERS = "results/panels/posts/answers/small.parquet"
SAFETENSORS = "adapter_model.safetensors"


@pytest.fixture(scope="module")
def answered(tmp_path_factory, base_model):
    """A small simulated panel of three weeks, two a job, run to its answers. It is shared: copy it."""
    workspace = Workspace.begin(tmp_path_factory.mktemp("answered") / "study", base_model)
    workspace.config["run"] = {"surveys": [], "panels": ["posts"], "baselines": []}
    workspace.config["training"]["quick"]["block_size"] = 64
    workspace.config["engine"]["weeks_per_job"] = 2
    workspace.config["panels"] = {"posts": PANEL}
    workspace.save()
    ended = workspace.run(ANSWERS)
    assert ended.code == 0, ended.terminal
    return workspace


@pytest.fixture
def panel(answered, tmp_path):
    """A copy of the small panel, to change and run again."""
    return answered.copy(tmp_path / "panel")


def planned(workspace, *targets):
    """Return rule and week of each job of a dry run."""
    return ran(workspace, "--dry-run", *targets)


def ran(workspace, *arguments):
    """Run to the end, and return rule and week of each job."""
    ended = workspace.run(*arguments)
    assert ended.code == 0, ended.terminal
    blocks = re.split(r"\n(?=(?:local)?rule )", ended.terminal)
    jobs = [re.match(r"(?:local)?rule (\w+):", block) for block in blocks]
    weeks = [re.search(r"wildcards: .*?week=([\d-]+)", block) for block in blocks]
    return sorted((job[1], week[1] if week else "") for job, week in zip(jobs, weeks, strict=True) if job)


def test_the_demo_s_panel_is_planned_to_its_answers(fresh):
    fresh.config.pop("run")
    fresh.save()
    jobs = [job for job, _ in planned(fresh, "results/panels/demo/answers/tiny.parquet")]
    assert {"simulate_panel", "read_panel", "train_week_adapters", "score_questions"} <= set(jobs)


def test_a_new_week_trains_and_scores_itself_and_no_other(panel):
    """The jobs are of two weeks: the first finds all in the store, the second trains what is new in it."""
    adapters = panel.folder / "results/panels/posts/adapters/small"
    store = panel.folder / "results/.store"
    assert planned(panel, ANSWERS) == []
    before = {file: file.stat().st_mtime_ns for file in adapters.rglob(SAFETENSORS)}
    before |= {file: file.stat().st_mtime_ns for file in store.glob("a*/**/*") if file.is_file()}
    # The untuned base answers too.
    assert len(list(store.glob("adapters/*"))) == len(list(store.glob("answers/*"))) - 1 == 3 * 2
    old = pd.read_parquet(panel.folder / ANSWERS)

    panel.config["panels"]["posts"] = {**PANEL, "weeks": {**PANEL["weeks"], "last": "2020-01-23"}}
    panel.save()
    ended = panel.run(ANSWERS)
    assert ended.code == 0, ended.terminal
    assert {file: file.stat().st_mtime_ns for file in before} == before
    assert len(list(store.glob("adapters/*"))) == len(list(store.glob("answers/*"))) - 1 == 4 * 2
    logs = panel.folder / "logs/train_week_adapters/posts/small"
    assert ": trained" not in (logs / "2020-01-02.log").read_text()
    assert (logs / "2020-01-16.log").read_text().count(": trained") == 2, "those of the new week only"
    new = pd.read_parquet(panel.folder / ANSWERS)
    assert new[new["week"] != "2020-01-23"].reset_index(drop=True).equals(old)
    assert (new["week"] == "2020-01-23").sum() == 2 * 3


def test_another_number_of_weeks_a_job_trains_and_asks_nothing_again(panel):
    store = panel.folder / "results/.store"
    before = {file: file.stat().st_mtime_ns for file in store.glob("a*/**/*") if file.is_file()}
    answers = (panel.folder / ANSWERS).read_bytes()
    panel.config["engine"]["weeks_per_job"] = 3
    panel.save()
    assert [week for rule, week in ran(panel, ANSWERS) if rule == "train_week_adapters"] == ["2020-01-02"]
    assert {file: file.stat().st_mtime_ns for file in store.glob("a*/**/*") if file.is_file()} == before
    assert (panel.folder / ANSWERS).read_bytes() == answers


def test_a_deleted_adapter_comes_back_when_it_is_asked_again_and_is_not_trained(panel):
    folder = panel.folder / "results/panels/posts/adapters/small/2020-01-09/seed-2"
    weights = (folder / SAFETENSORS).read_bytes()
    shutil.rmtree(folder)
    (panel.folder / ANSWERS).unlink()
    assert ran(panel, ANSWERS) == [("score_questions", "")]
    assert (folder / SAFETENSORS).read_bytes() == weights


AUTHORS = [f"{MARKER}-{number}" for number in range(7)]
QUESTION = {"stem": "How?", "options": ["Sad", "Happy", "Bored"], "variants": {"case": ["lower"]}}
SKIPPED = "2020-01-30"


def write_panel(folder):
    """Write posts that name their authors, a survey and somebody's daily series; one week has two posts."""
    draw = random.Random(4)
    labels = pd.date_range("2020-01-02", "2020-03-26", freq="7D")
    posts, waves = ["time,author,text"], ["week,option,share,n"]
    for label in labels:
        day = label.strftime("%Y-%m-%d")
        for number in range(2 if day == SKIPPED else 30):
            mood = draw.choice(["sad", "happy", "bored"])
            author = draw.choice(AUTHORS)
            posts.append(
                f'{day}T12:{number:02d}:00Z,{author},"I am {mood}, says {MARKER} {number} @{author}"'
            )
        waves += [f"{day},{option},{draw.uniform(0.1, 0.6):.3f},2000" for option in ("Happy", "Sad", "Bored")]
    (folder / "posts.csv").write_text("\n".join(posts) + "\n")
    (folder / "survey.csv").write_text("\n".join(waves) + "\n")
    days = pd.date_range("2020-01-02", "2020-04-01")
    searches = [f"{day:%Y-%m-%d},{draw.random():.3f},{draw.random():.3f}" for day in days]
    (folder / "searches.csv").write_text("\n".join(["date,Happy,Sad", *searches]) + "\n")


@pytest.fixture(scope="module")
def finished_panels(tmp_path_factory, base_model):
    """A panel of posts that were not simulated, and a mix, run to the report. It is shared: look, do not touch."""
    workspace = Workspace.begin(tmp_path_factory.mktemp("panels") / "study", base_model)
    write_panel(workspace.folder)
    training = workspace.config["training"]["quick"]
    training["block_size"] = 64
    workspace.config["run"] = {"surveys": [], "panels": ["posts", "mix"], "baselines": []}
    workspace.config["engine"] = {"cohort": "sequential", "weeks_per_job": 20}
    common = {"arms": ["small/weekly"], "training": "quick", "questions": {"mood": QUESTION}}
    workspace.config["panels"] = {
        "posts": {
            **common,
            "files": ["posts.csv"],
            "weeks": {"first": "2020-01-02", "last": "2020-03-26", "anchor": "THU"},
            "trackers": {"mood": {"file": "survey.csv", "format": "tidy"}},
            "signals": {"searches": {"file": "searches.csv"}},
            "lexicon": {},
            "min_posts": 5,
            "too_few_posts": "skip",
            "seeds": [1, 2],
            "series": {"max_lag_weeks": 2},
        },
        "mix": {
            **common,
            "mix": {"source": "simulated", "joy_shares": [0, 0.5, 1], "n_posts": 20},
            "min_posts": 1,
            "weeks": {"first": "2000-01-03", "last": "2000-01-17"},
            "seeds": [1],
            "series": {"scale": "none", "rolling_weeks": 1, "max_lag_weeks": 0},
        },
    }
    workspace.save()
    ended = workspace.run()
    assert ended.code == 0, ended.terminal
    (workspace.folder / "terminal.txt").write_text(ended.terminal)
    return workspace


def test_posts_become_a_page_with_model_baselines_and_signals_side_by_side(finished_panels):
    folder = finished_panels.folder / "results" / "panels" / "posts"
    correlations = pd.read_csv(folder / "tables" / "correlations.csv")
    assert set(correlations["model"]) == {
        "small/weekly",
        *("baselines/words", "baselines/phrases", "baselines/lexicon", "signals/searches"),
    }
    own = correlations[correlations["model"] == "small/weekly"]
    assert list(own["option"].unique()) == QUESTION["options"], "in the order of the questionnaire"
    assert "data" not in correlations.columns, "nothing is simulated"
    page = (finished_panels.folder / "results" / "report.html").read_text(encoding="utf-8")
    assert "Panel posts" in page and "searches" in page
    assert f"Weeks without estimate, because they have too few posts: {SKIPPED}" in page
    for figure in ("series", "raw", "relative"):
        assert "week without estimate" in (folder / "figures" / f"{figure}.svg").read_text()
    assert SKIPPED in (folder / "figures" / "lags.svg").read_text()


def test_a_mix_is_run_to_its_rank_correlations_and_to_no_correlation_by_lag(finished_panels):
    folder = finished_panels.folder / "results" / "panels" / "mix"
    recovery = pd.read_csv(folder / "tables" / "recovery.csv")
    own = recovery[recovery["model"] == "small/weekly"]
    assert list(own["option"].dropna()) == ["Sad", "Happy"]
    assert list(own["rho_worst_seed"]) == list(own["rho"]), "of one seed"
    assert set(recovery["data"]) == {"simulated"}
    assert pd.read_parquet(folder / "ccf.parquet").empty
    words = recovery[(recovery["model"] == "baselines/words") & (recovery["option"] == "Happy")]
    assert words["rho"].iloc[0] == 1
    assert "Known shares and answers" in (finished_panels.folder / "results" / "report.html").read_text()


def test_a_second_run_of_panels_starts_no_job(finished_panels):
    assert planned(finished_panels) == []


def test_a_week_with_too_few_posts_is_refused_by_name(finished_panels, tmp_path):
    panel = finished_panels.copy(tmp_path / "refused")
    panel.config["panels"]["posts"]["too_few_posts"] = "refuse"
    panel.save()
    answers = panel.folder / ANSWERS
    before = answers.read_bytes()
    ended = panel.run(ANSWERS)
    assert ended.code != 0
    assert ended.errors == [f"ERROR: weeks with fewer than 5 posts: {SKIPPED}: 2"]
    assert answers.read_bytes() == before


@pytest.mark.slow
def test_fault_oo_a_panel_of_signals_only_runs_whole(tmp_path):
    """A survey in Excel and somebody's daily series, with a period: no posts, no model, nothing that is trained."""
    draw = random.Random(6)
    weeks = pd.date_range("2020-01-02", periods=20, freq="7D")
    survey = pd.DataFrame({"date": weeks, "happy_pct": [draw.randint(20, 60) for _ in weeks]})
    days = [draw.random() + share for share in survey["happy_pct"] / 20 for _ in range(7)]
    daily = pd.DataFrame(
        {"date": pd.date_range(weeks[0], periods=len(days)).strftime("%Y-%m-%d"), "joy": days}
    )
    panel = {
        "arms": [],
        "weeks": {"first": "2020-01-02", "last": "2020-05-14", "anchor": "THU"},
        "questions": {"mood": {"stem": "How?", "options": ["Happy", "Sad"]}},
        "trackers": {
            "mood": {
                "file": "survey.xlsx",
                "format": "wide",
                "day": "date",
                "columns": {"Happy": "happy_pct", "Sad": "sad_pct"},
                "unit": "percent",
            }
        },
        "signals": {"searches": {"file": "searches.csv", "columns": {"Happy": "joy"}}},
        "series": {"max_lag_weeks": 2, "periods": {"spring": {"first": "2020-03-05", "last": "2020-05-14"}}},
    }
    workspace = Workspace.clone(
        tmp_path / "study",
        {"run": {"surveys": [], "panels": ["signals"], "baselines": []}, "panels": {"signals": panel}},
    )
    survey.assign(sad_pct=80 - survey["happy_pct"]).to_excel(workspace.folder / "survey.xlsx", index=False)
    daily.to_csv(workspace.folder / "searches.csv", index=False)
    ended = workspace.run()
    assert ended.code == 0, ended.terminal
    assert not (workspace.folder / "results/models").exists()
    folder = workspace.folder / "results/panels/signals"
    ccf = pd.read_csv(folder / "tables/correlations.csv")
    assert ccf.query("lag_weeks == 0")[["model", "option", "n_raw"]].values.tolist() == [
        ["signals/searches", "Happy", 20]
    ]
    assert ccf.query("lag_weeks == 0")["r_raw"].item() > 0.9
    periods = pd.read_csv(folder / "tables/periods.csv").query("lag_weeks == 0")
    assert periods[["period", "n_raw"]].values.tolist() == [["spring", 11]]
    page = (workspace.folder / "results/report.html").read_text(encoding="utf-8")
    assert "There are no posts: series of others are compared with the survey." in page
    assert "searches" in page and "Series and survey" in page and "By period" in page
    assert planned(workspace) == []


def test_no_post_author_or_hash_stands_in_logs_tables_figures_or_the_report(finished_panels):
    folder = finished_panels.folder
    posts = pd.concat(pd.read_parquet(path) for path in folder.glob("results/panels/posts/posts/*.parquet"))
    assert posts["text"].str.contains(MARKER).all(), "the marker was planted"
    salt = folder / ".stimmung" / "salt"
    hashes = set(as_hex(keyed_digests(pa.array(AUTHORS), load_salt(salt))).to_pylist())
    assert set(posts["author"]) <= hashes
    secrets = {MARKER.lower(), *hashes, *posts["post_id"], salt.read_text().strip()}
    holders = [folder / "results" / "panels" / name / "posts" for name in ("posts", "mix")]
    files = [
        path
        for pattern in ("results/**/*", "logs/**/*", "benchmarks/**/*", ".snakemake/log/*", "terminal.txt")
        for path in folder.glob(pattern)
        if path.is_file() and not any(holder in path.parents for holder in holders)
    ]
    kinds = {path.suffix for path in files}
    assert {".parquet", ".csv", ".tex", ".svg", ".html", ".json", ".log", ".yaml", ".safetensors"} <= kinds
    for path in files:
        content = path.read_bytes().decode("utf-8", "replace").lower()
        if path.suffix == ".parquet":
            content += pd.read_parquet(path).to_csv().lower()
        found = [secret for secret in secrets if secret in content]
        assert not found, (path, len(found))
