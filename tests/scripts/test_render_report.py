import copy
import os
import re
import shutil
import subprocess
from types import SimpleNamespace

import matplotlib.image
import numpy as np
import pandas as pd
import pytest

from scripts.compare_targets import compare_targets
from scripts.count_words import count_words
from scripts.cross_correlate import cross_correlate
from scripts.evaluate_votes import evaluate_votes
from scripts.plot_moods import plot_moods
from scripts.record_run import record_run
from scripts.render_report import render_report
from scripts.tabulate_moods import tabulate_moods
from stimmung.report.result_registry import MOODS, VOTES, names
from stimmung.vocabulary.errors import InputError
from stimmung.vocabulary.moods_schemas import POSTS
from stimmung.vocabulary.parquet_tables import write_table
from tests.scripts.conftest import for_readers_in, recorded
from tests.synthetic_moods import OPTIONS
from tests.synthetic_votes import SKILL

MARKER = "Xqzplanted"
BROWSERS = ("chromium", "chromium-browser", "google-chrome", "chrome")


def files_of(study):
    return [*study.tables.values(), *study.figures.values(), *study.for_readers.values()]


def render(votes_study, output):
    run = votes_study.results / "run.yaml"
    record_run(**recorded(votes_study, votes_study.results), run=run)
    render_report(run=run, surveys=files_of(votes_study), panels=[], report=output, title="A study")
    return output.read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def report(votes_study):
    path = votes_study.results / "report.html"
    render(votes_study, path)
    return path


@pytest.fixture(scope="module")
def page(report):
    return report.read_text(encoding="utf-8")


def test_the_page_says_what_was_run_and_what_to_mind(page):
    for mark in (
        "A made-up survey",
        "Simulated data",
        "tiny was built by this workflow",
        "ab" * 32,
        "Nadeau and Bengio",
    ):
        assert mark in page, mark
    for method in SKILL:
        assert method.removeprefix("baselines/") in page


def test_a_survey_of_several_targets_has_a_table_of_all_and_a_chapter_for_each(votes_study, tmp_path):
    survey = tmp_path / "results" / "surveys" / "made-up"
    files = []
    for item in ("trust", "party"):
        for file in files_of(votes_study):
            path = survey / "targets" / item / file.relative_to(votes_study.results / "surveys" / "made-up")
            path.parent.mkdir(parents=True, exist_ok=True)
            files.append(shutil.copy2(file, path))
    shown = {"csv": survey / "tables/targets.csv", "latex": survey / "tables/targets.tex"}
    compare_targets(
        metrics=[survey / f"targets/{item}/metrics.parquet" for item in ("trust", "party")],
        results=survey / "targets.parquet",
        targets=["trust", "party"],
        simulated=True,
        **shown,
    )
    several = SimpleNamespace(**vars(votes_study))
    several.config = copy.deepcopy(votes_study.config)
    several.config["surveys"]["made-up"] |= {"targets": ["trust", "party"], "targets_see": "others"}
    run, report = tmp_path / "results/run.yaml", tmp_path / "results/report.html"
    record_run(**recorded(several, tmp_path), run=run)
    surveys = [*files, survey / "targets.parquet", *shown.values()]
    render_report(run=run, surveys=surveys, panels=[], report=report, title="A study")
    page = report.read_text(encoding="utf-8")
    headings = re.findall(r"<h2>(.*?) <span", page)
    assert headings == ["A made-up survey", "A made-up survey: trust", "A made-up survey: party"]
    assert "surveys/made-up/tables/targets.csv" in page
    assert "surveys/made-up/targets/party/tables/metrics.csv" in page
    identifiers = re.findall(r'id="([^"]+)"', page)
    assert len(set(identifiers)) == len(identifiers)


def test_all_figures_are_in_the_page_with_what_their_whiskers_are(page):
    figures = re.findall(r"<figure>.*?</figure>", page, flags=re.DOTALL)
    assert len(figures) == len(names(VOTES, "figure"))
    for figure in figures:
        assert "<svg" in figure and 'role="img"' in figure and "Whiskers:" in figure


def test_links_to_files_hold_where_the_page_lies(page, report):
    links = [link for link in re.findall(r'href="([^"#]+)"', page) if not link.startswith("data:")]
    # Nothing was left out of this study but training rows.
    assert len(links) == 2 * len([name for name in names(VOTES, "table") if name != "left_out_shares"])
    for link in links:
        assert (report.parent / link).exists(), link


def test_no_respondent_is_in_the_page(page, votes_study):
    assert not [name for name in votes_study.ids if name in page]


def test_the_same_run_is_the_same_page(page, votes_study):
    assert render(votes_study, votes_study.results / "again.html") == page


@pytest.mark.slow
def test_a_survey_without_training_conditions_has_no_empty_chapters(votes_study, tmp_path, monkeypatch):
    survey = votes_study.config["surveys"]["made-up"]
    monkeypatch.setitem(survey, "conditions", {"full": {}})
    tables = {name: tmp_path / "surveys" / "made-up" / path.name for name, path in votes_study.tables.items()}
    evaluate_votes(**{**votes_study.evaluate, "conditions": {"full": {}}}, results=list(tables.values()))
    monkeypatch.setattr(votes_study, "tables", tables)
    page = render(votes_study, votes_study.results / "plain.html")
    for chapter in ("Learning from fewer respondents", "Leaving respondents out"):
        assert chapter not in page


def test_a_damaged_record_is_named(tmp_path):
    (tmp_path / "run.yaml").write_text("{")
    with pytest.raises(InputError, match=r"run\.yaml"):
        render_report(
            run=tmp_path / "run.yaml", surveys=[], panels=[], report=tmp_path / "report.html", title="t"
        )
    assert not (tmp_path / "report.html").exists()


def browse(page, folder, *arguments):
    """Open a page in a headless browser and return what it wrote on its console, and on standard output."""
    browser = next(filter(None, map(shutil.which, BROWSERS)), None)
    if browser is None:
        pytest.skip(f"no browser on this machine: {', '.join(BROWSERS)}")
    options = ["--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", "--enable-logging=stderr"]
    done = subprocess.run(
        [browser, *options, f"--user-data-dir={folder / 'profile'}", *arguments, page.as_uri()],
        capture_output=True,
        text=True,
        timeout=120,
        env={**os.environ, "HOME": str(folder)},
        check=True,
    )
    return [line for line in done.stderr.splitlines() if "CONSOLE" in line], done.stdout


def test_the_page_opens_in_a_browser_without_errors_or_requests(report, tmp_path):
    """The page forbids itself every request, so one that it makes nevertheless is an error on the console."""
    shot = tmp_path / "page.png"
    console, _ = browse(report, tmp_path, "--window-size=1200,3000", f"--screenshot={shot}")
    assert console == []
    pixels = matplotlib.image.imread(shot)[..., :3]
    assert pixels.shape[:2] == (3000, 1200)
    # Text in the column of contents and in the main column, and colour where the first figure is.
    assert (pixels[:, :250].min(axis=2) < 0.5).mean() > 0.005
    assert (pixels[:, 300:].min(axis=2) < 0.5).mean() > 0.005
    colourful = pixels.max(axis=2) - pixels.min(axis=2) > 0.4
    assert colourful[:, 300:].sum() > 500


def test_the_browser_would_notice_a_request(report, tmp_path):
    broken = tmp_path / "broken.html"
    text = report.read_text(encoding="utf-8")
    broken.write_text(text.replace("<main>", '<main><img src="http://127.0.0.1:9/x.png">'), encoding="utf-8")
    console, _ = browse(broken, tmp_path, "--dump-dom")
    assert len(console) == 1


def render_panel(moods_study, output, votes_study=None, made=None):
    """Render a page of the panel, and of the survey if there is one."""
    run = output.with_suffix(".yaml")
    record, surveys = recorded(moods_study, moods_study.results), []
    if votes_study is not None:
        surveys = files_of(votes_study)
        record["provenance"] = [votes_study.provenance]
        record["config"] = {**moods_study.config, "surveys": votes_study.config["surveys"]}
    record_run(**record, run=run)
    panels = files_of(moods_study) if made is None else made
    render_report(run=run, surveys=surveys, panels=panels, report=output, title="A study")
    return output.read_text(encoding="utf-8")


def test_a_panel_alone_has_a_page_marked_as_simulated(moods_study):
    page = render_panel(moods_study, moods_study.results / "panel.html")
    assert "Panel made-up" in page and "Simulated data, not answers of real people: panel made-up." in page
    assert page.count("<svg") == len(names(MOODS, "figure")) and "prewhitened p" in page
    assert "Rows read" in page and "retweet: 180" in page
    links = [link for link in re.findall(r'href="([^"#]+)"', page) if not link.startswith("data:")]
    assert len(links) == 2 * len(names(MOODS, "table")) and all(
        (moods_study.results / link).exists() for link in links
    )


def test_a_survey_and_a_panel_share_a_page(moods_study, votes_study):
    page = render_panel(moods_study, moods_study.results / "both.html", votes_study)
    assert "A made-up survey" in page and "Panel made-up" in page
    assert "A made-up survey; panel made-up." in page


def test_a_panel_opens_in_a_browser_without_errors_or_requests(moods_study, tmp_path):
    path = moods_study.results / "browsed.html"
    render_panel(moods_study, path)
    console, _ = browse(path, tmp_path, "--dump-dom")
    assert console == []


def test_nothing_of_a_post_reaches_tables_figures_logs_or_page(moods_study, tmp_path, caplog):
    """Posts that carry a marker in text and author are counted; only the counts may come out."""
    caplog.set_level("DEBUG")
    panel, random = tmp_path / "panels" / "made-up", np.random.default_rng(0)
    posts = {}
    for week in moods_study.made["weeks"]:
        moods = random.choice(OPTIONS, size=random.integers(20, 40))
        rows = [
            (f"{week}-{n}", week, MARKER, f"{MARKER} I am {mood.lower()}") for n, mood in enumerate(moods)
        ]
        posts[week] = panel / "posts" / f"{week}.parquet"
        write_table(pd.DataFrame(rows, columns=["post_id", "week", "author", "text"]), posts[week], POSTS)
    count_words(
        posts=panel / "posts",
        weeks=list(posts),
        options=OPTIONS,
        lexicon=None,
        signals=panel / "words.parquet",
    )
    tables = [panel / f"{name}.parquet" for name in names(MOODS, "data")]
    cross_correlate(**{**moods_study.correlate, "words": [panel / "words.parquet"]}, results=tables)
    readers = for_readers_in(panel, MOODS)
    tabulate_moods(results=tables, rolling_weeks=3, constructed=None, tables=readers)
    figures = [panel / f"{name}.svg" for name in names(MOODS, "figure")]
    made = [moods_study.tables["affect"], moods_study.tables["wordings"], *tables]
    plot_moods(**{**moods_study.draw, "results": made}, constructed=None, figures=figures)
    page = render_panel(moods_study, tmp_path / "page.html", made=[*made, *readers, *figures])
    assert "phrases" in page
    written = [page, caplog.text, *(path.read_text(encoding="utf-8") for path in [*readers, *figures])]
    written += [path.read_bytes().decode("latin-1") for path in [panel / "words.parquet", *made]]
    assert not [text for text in written if MARKER.lower() in text.lower()]
