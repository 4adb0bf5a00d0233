"""All arms in one study, from the survey's file to the report: personas, classifiers, and a model behind a server."""

import copy
import re
import shutil

import numpy as np
import pandas as pd
import pytest

from tests.endpoint_server import serving
from tests.small_encoder import save_small_encoder
from tests.workflow.test_bad_input import assert_nothing_made, assert_told
from tests.workflow.workspace import CODEBOOK, MARKER, Workspace

KEY = "STIMMUNG_TEST_KEY"
ARMS = ["small/persona", "bert/classifier", "server/zero-shot"]
ASKED = "results/surveys/voters/predictions/server/zero-shot/full/seed-24.parquet"


def codebook():
    """The voters' codebook with sentences in the first person."""
    content = copy.deepcopy(CODEBOOK)
    content["persona"] = {"instruction": "One of: {options}.", "question": "I vote"}
    content["items"]["party"]["persona"] = "My party: {answer}."
    content["items"]["age"]["persona"] = "Age {answer}."
    return content


def all_arms(folder, model, url, **endpoint):
    workspace = Workspace.begin(folder, model)
    workspace.save_codebook(codebook())
    workspace.config["models"]["bert"] = {
        "source": str(save_small_encoder(folder / "bert")),
        "quantization": "none",
        "compute_dtype": "float32",
        "encoder": True,
    }
    workspace.config["endpoints"] = {"server": {"url": url, "model": "small", **endpoint}}
    survey = workspace.config["surveys"]["voters"]
    survey["arms"] = ARMS
    survey["conditions"] = {
        "full": {},
        "half": {"share": 0.5, "arms": ["bert/classifier"]},
        "no-red": {"exclude": {"party": ["red"]}, "arms": ["bert/classifier"]},
    }
    survey["subgroups"] = {
        "with-party": {"exclude": {"party": ["none"]}},
        "without-party": {"keep": {"party": ["none"]}},
    }
    workspace.save()
    return workspace


@pytest.fixture(scope="module")
def server(base_model):
    with serving(base_model, key="right-key", failures=2) as running:
        yield running


@pytest.fixture(scope="module")
def finished_arms(tmp_path_factory, base_model, server):
    folder = tmp_path_factory.mktemp("arms") / "study"
    workspace = all_arms(folder, base_model, server.url, key_variable=KEY)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(KEY, "right-key")
        ended = workspace.run()
    assert ended.code == 0, ended.terminal
    return workspace


def test_every_arm_predicts_everybody_under_every_condition_that_it_runs_in(finished_arms):
    found = {
        "/".join(path.relative_to(finished_arms.survey / "predictions").parts[:3])
        for path in finished_arms.survey.glob("predictions/*/*/*/*.parquet")
    }
    expected = {f"{arm}/full" for arm in ARMS} | {"bert/classifier/half", "bert/classifier/no-red"}
    assert {name for name in found if not name.startswith("baselines")} == expected
    for name in expected:
        table = pd.read_parquet(finished_arms.survey / "predictions" / name / "seed-24.parquet")
        assert len(table) == 40 and table.respondent_id.is_unique and (table.n_unseen == 0).all()


def test_the_report_has_them_with_the_absent_party_effective_respondents_and_subgroups(finished_arms):
    page = (finished_arms.folder / "results/report.html").read_text(encoding="utf-8")
    for arm in ARMS:
        assert arm in page, arm
    for chapter in ("The absent party", "Effective respondents", "Subgroups of respondents"):
        assert re.search(rf"<h3[^>]*>{chapter}", page), chapter
    assert "no-red: Red" in page and "server ran behind a server" in page


def test_the_imputed_data_set_merges_with_the_survey(finished_arms):
    imputed = pd.read_csv(finished_arms.survey / "imputed/answers.csv")
    part = imputed[(imputed.method == "server/zero-shot") & (imputed.condition == "full")]
    survey = pd.read_csv(finished_arms.folder / "voters.csv")
    merged = survey.merge(part, left_on="id", right_on="respondent_id", validate="one_to_one")
    assert len(merged) == 40
    assert "simulated" in (finished_arms.survey / "imputed/README.md").read_text(encoding="utf-8")


def test_neither_the_key_nor_a_respondent_stands_in_logs_records_or_the_cache(finished_arms):
    shown = [path for path in finished_arms.folder.glob("logs/**/*") if path.is_file()]
    shown += finished_arms.folder.glob(".snakemake/log/*")
    shown += finished_arms.folder.glob("results/.store/endpoints/*")
    shown += finished_arms.folder.glob("results/surveys/*/adapters/**/*.json")
    shown += [finished_arms.folder / "results" / name for name in ("report.html", "run.yaml")]
    assert len(shown) > 20 and any(path.suffix == ".sqlite" for path in shown)
    for path in shown:
        content = path.read_bytes()
        assert MARKER.lower().encode() not in content.lower() and b"Party: red\nAge" not in content, path
        assert b"right-key" not in content and b"Bearer" not in content, path


def test_a_deleted_table_comes_back_from_the_cache_without_a_question(finished_arms, server, tmp_path):
    workspace = finished_arms.copy(tmp_path / "copied")
    before = (workspace.folder / ASKED).read_bytes()
    (workspace.folder / ASKED).unlink()
    asked = server.asked
    ended = workspace.run(ASKED)
    assert ended.code == 0, ended.terminal
    assert (workspace.folder / ASKED).read_bytes() == before and server.asked == asked


def test_options_by_token_ids_are_those_of_whole_prompts(finished_arms, base_model, tmp_path, monkeypatch):
    workspace = finished_arms.copy(tmp_path / "copied")
    named = {**workspace.config["endpoints"]["server"], "reads": "token-ids"}
    workspace.config["endpoints"] |= {
        "tokens": {**named, "tokenizer": "small"},
        "folder": {**named, "tokenizer": str(base_model)},
        "nowhere": {**named, "tokenizer": "./nowhere"},
    }
    workspace.config["surveys"]["voters"]["arms"] += [
        "tokens/zero-shot",
        "folder/zero-shot",
        "nowhere/zero-shot",
    ]
    workspace.save()
    monkeypatch.setenv(KEY, "right-key")
    tokens, folder, nowhere = (ASKED.replace("server", name) for name in ("tokens", "folder", "nowhere"))
    shutil.rmtree(workspace.folder / "results/models/small")
    assert workspace.planned(tokens) == {"prepare_model", "ask_endpoint full"}
    assert_told(workspace.run("--keep-going", folder, nowhere), "no readable tokenizer in nowhere")
    assert_nothing_made(workspace, nowhere)
    whole, table = (pd.read_parquet(workspace.folder / path) for path in (ASKED, folder))
    np.testing.assert_allclose(table[["p_Red", "option_mass"]], whole[["p_Red", "option_mass"]], atol=1e-4)
    assert (table.n_tokens == whole.n_tokens).all()


@pytest.fixture
def unasked(finished_arms, tmp_path):
    """A copy in which the server was not asked yet."""
    workspace = finished_arms.copy(tmp_path / "copied")
    shutil.rmtree(workspace.folder / "results/.store/endpoints")
    (workspace.folder / ASKED).unlink()
    return workspace


def test_a_wrong_key_is_one_line(unasked, monkeypatch):
    monkeypatch.setenv(KEY, "wrong")
    assert_told(unasked.run(ASKED), r"the endpoint http://.* refuses the key \(HTTP 401\)", KEY)
    assert_nothing_made(unasked, ASKED)


def test_a_refused_connection_is_one_line(unasked):
    unasked.config["endpoints"]["server"] = {"url": "http://127.0.0.1:9/v1", "model": "small"}
    unasked.save()
    assert_told(unasked.run(ASKED), r"no server answers at http://127\.0\.0\.1:9/v1", "correct `url`")
    assert_nothing_made(unasked, ASKED)


def test_a_value_that_a_baseline_refuses_is_one_line(copied):
    copied.config["baselines"] = {"logistic": {"C": [-1.0, 1.0]}}
    copied.save()
    predictions = "results/surveys/voters/predictions/baselines/logistic/full/seed-24.parquet"
    assert_told(copied.run(predictions), r"baselines\.logistic\.C: LogisticRegression refuses -1\.0", "`C`")
    assert_nothing_made(copied, predictions)
