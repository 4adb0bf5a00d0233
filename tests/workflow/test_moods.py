"""The panel branch as a user runs it: what is planned, and what a new week costs."""

import re

import pytest
import yaml

PANEL = {
    "simulate": {"posts_per_week": 40, "n_respondents": 50, "seed": 3},
    "weeks": {"first": "2020-01-02", "last": "2020-01-16", "anchor": "THU"},
    "questions": {"mood": {"stem": "How?", "options": ["Happy", "Sad", "Bored"]}},
    "arms": ["small/weekly"],
    "training": "quick",
    "seeds": [1, 2],
}


@pytest.fixture
def panel(fresh):
    """A study of a small simulated panel and nothing else."""
    fresh.config["run"] = {"surveys": [], "panels": ["posts"], "baselines": []}
    fresh.config["training"]["quick"]["block_size"] = 64
    fresh.config["engine"]["weeks_per_job"] = 1
    fresh.config["panels"] = {"posts": PANEL}
    fresh.save()
    return fresh


ANSWERS = "results/panels/posts/answers/small.parquet"


def planned(workspace, *targets):
    """Return rule and week of each job of a dry run."""
    ended = workspace.run("--dry-run", *targets)
    assert ended.code == 0, ended.terminal
    blocks = re.split(r"\n(?=(?:local)?(?:rule|checkpoint) )", ended.terminal)
    jobs = [re.match(r"(?:local)?(?:rule|checkpoint) (\w+):", block) for block in blocks]
    weeks = [re.search(r"wildcards: .*?week=([\d-]+)", block) for block in blocks]
    return sorted((job[1], week[1] if week else "") for job, week in zip(jobs, weeks, strict=True) if job)


def test_the_demo_s_panel_is_planned_to_its_answers(fresh):
    fresh.config.pop("run")
    fresh.save()
    jobs = [job for job, _ in planned(fresh, "results/panels/demo/answers/tiny.parquet")]
    assert {"simulate_panel", "read_panel", "train_week_adapters", "score_questions"} <= set(jobs)


def test_a_new_week_trains_itself_and_no_other(panel):
    ended = panel.run(ANSWERS)
    assert ended.code == 0, ended.terminal
    adapters = panel.folder / "results" / "panels" / "posts" / "adapters" / "small"
    before = {file: file.stat().st_mtime_ns for file in adapters.rglob("*") if file.is_file()}
    assert planned(panel, ANSWERS) == []
    panel.config["panels"]["posts"] = {**PANEL, "weeks": {**PANEL["weeks"], "last": "2020-01-23"}}
    panel.save()
    ended = panel.run(ANSWERS)
    assert ended.code == 0, ended.terminal
    assert {file: file.stat().st_mtime_ns for file in before} == before
    assert len(list(adapters.rglob("adapter_model.safetensors"))) == 4 * 2


def test_a_week_with_too_few_posts_is_refused_or_left_out(panel):
    weeks = ("2020-01-02", "2020-01-09", "2020-01-16")
    rows = [
        f"{day}T12:00:00Z,a{n},post {n} of {day}" for day in weeks for n in range(2 if day == weeks[1] else 9)
    ]
    (panel.folder / "posts.csv").write_text("\n".join(["time,author,text", *rows]) + "\n")
    own = {**PANEL, "simulate": None, "files": ["posts.csv"], "min_posts": 5}
    panel.config["panels"]["posts"] = own
    panel.save()
    ended = panel.run("--keep-going", ANSWERS)
    assert ended.code != 0
    assert "weeks with fewer than 5 posts: 2020-01-09: 2" in " ".join(ended.errors)
    panel.config["panels"]["posts"] = {**own, "too_few_posts": "skip"}
    (panel.folder / "study.yaml").write_text(yaml.safe_dump(panel.config, sort_keys=False))
    ended = panel.run(ANSWERS)
    assert ended.code == 0, ended.terminal
    import pandas as pd

    answers = pd.read_parquet(panel.folder / ANSWERS)
    assert set(answers.week) == {"", weeks[0], weeks[2]}
