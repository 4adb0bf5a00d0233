import copy
import json
import os
import shutil
import socket
import sqlite3
import subprocess
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from types import SimpleNamespace

import numpy as np
import pytest

from scripts.ask_endpoint import ask_endpoint
from scripts.prepare_model import prepare_model
from stimmung.vocabulary.endpoint import Endpoint
from stimmung.vocabulary.errors import InputError
from stimmung.vocabulary.parquet_tables import read_table
from stimmung.vocabulary.scoring import Scoring
from stimmung.vocabulary.votes_schemas import PREDICTIONS, PROMPTS, SPLITS, option_columns
from tests.endpoint_server import serving
from tests.scripts.test_score_respondents import score
from tests.workflow.workspace import MARKER

KEY = "STIMMUNG_TEST_KEY"
SERVER = Path(__file__).parents[1] / "llama_cpp_server.py"


@pytest.fixture
def server(small_study):
    with serving(small_study.base) as running:
        yield running


def ask(small_study, url, folder, endpoint=None, normalization="none", **changes):
    output = folder / "asked.parquet"
    options = {
        "respondents": small_study.respondents,
        "prompts": small_study.prompts,
        "splits": small_study.splits,
        "codebook": small_study.codebook,
        "predictions": output,
        "method": "server/zero-shot",
        "arm": "zero-shot",
        "seed": 24,
        "language": "en",
        "examples": 0,
        "tokenizer": None,
        "cache": folder / "cache.sqlite",
        **changes,
    }
    server = Endpoint(**{"url": url, "model": "small", **(endpoint or {})})
    ask_endpoint(endpoint=server, scoring=Scoring(normalization=normalization), **options)
    return read_table(output, PREDICTIONS).set_index("respondent_id")


@pytest.mark.parametrize("normalization", ["none", "token", "pmi"])
@pytest.mark.parametrize("examples", [0, 2])
def test_options_get_the_scores_of_the_local_engine(small_study, server, tmp_path, normalization, examples):
    how = {"normalization": normalization, "examples": examples}
    asked = ask(small_study, server.url, tmp_path, **how)
    local = score(small_study, tmp_path / "local.parquet", **how)
    columns = [*option_columns(asked), "option_mass"]
    assert list(asked.index) == list(local.index)
    np.testing.assert_allclose(asked[columns], local[columns], atol=1e-4)
    assert (asked.n_tokens == local.n_tokens).all() and (asked.fold == local.fold).all()
    assert set(asked.n_unseen) == {0}


def test_prompt_logprobs_give_the_scores_of_the_local_engine(small_study, server, tmp_path):
    asked = ask(small_study, server.url, tmp_path, {"reads": "prompt-logprobs"}, normalization="token")
    local = score(small_study, tmp_path / "local.parquet", normalization="token")
    np.testing.assert_allclose(asked[option_columns(asked)], local[option_columns(asked)], atol=1e-4)
    assert (asked.n_tokens == local.n_tokens).all() and set(asked.n_unseen) == {0}


def by_token_ids(small_study, url, folder, endpoint=None, **changes):
    here = changes.pop("tokenizer", small_study.base)
    named = {"reads": "token-ids", "tokenizer": str(here), **(endpoint or {})}
    return ask(small_study, url, folder, named, tokenizer=here, **changes)


@pytest.mark.parametrize("normalization", ["none", "token", "pmi"])
def test_token_ids_give_the_scores_of_the_local_engine(small_study, server, tmp_path, normalization):
    how = {"normalization": normalization, "examples": 1}
    asked = by_token_ids(small_study, server.url, tmp_path, **how)
    local = score(small_study, tmp_path / "local.parquet", **how)
    columns = [*option_columns(asked), "option_mass"]
    np.testing.assert_allclose(np.log(asked[columns]), np.log(local[columns]), atol=1e-4)
    assert (asked.n_tokens == local.n_tokens).all() and set(asked.n_unseen) == {0}
    assert set(asked.normalization) == {normalization}


def test_a_chat_model_by_token_ids_reads_its_template_here(small_study, tmp_path):
    chatty = copy.copy(small_study)
    chatty.base = tmp_path / "base"
    shutil.copytree(small_study.base, chatty.base)
    settings = json.loads((chatty.base / "tokenizer_config.json").read_text())
    (chatty.base / "tokenizer_config.json").write_text(json.dumps({**settings, "chat_template": TEMPLATE}))
    with serving(chatty.base) as running:
        asked = by_token_ids(chatty, running.url, tmp_path, {"api": "chat"})
    local = score(chatty, tmp_path / "local.parquet", chat=True)
    columns = [*option_columns(asked), "option_mass"]
    np.testing.assert_allclose(np.log(asked[columns]), np.log(local[columns]), atol=1e-4)


def test_token_ids_are_asked_again_after_a_failure_and_not_after_a_kill(small_study, tmp_path):
    """One request fails, then all do: what was finished is kept, and a rerun asks for the rest alone."""
    with serving(small_study.base, failures=1) as running:
        table = by_token_ids(small_study, running.url, tmp_path, {"at_once": 1})
        needed = running.asked - 1
        (tmp_path / "cache.sqlite").unlink()
        original = running.RequestHandlerClass.do_POST
        running.asked = 0

        def some(handler):
            running.failures = int(running.asked >= needed // 2)
            original(handler)

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(running.RequestHandlerClass, "do_POST", some)
            with pytest.raises(InputError, match="answers HTTP 500 after 0 retries"):
                by_token_ids(small_study, running.url, tmp_path, {"at_once": 1, "max_retries": 0})
        running.asked = running.failures = 0
        again = by_token_ids(small_study, running.url, tmp_path, {"at_once": 1})
        assert 0 < running.asked <= needed - needed // 2 + 1
    assert again.equals(table)
    assert by_token_ids(small_study, running.url, tmp_path).equals(table), "a rerun needs no server"


def test_a_server_that_does_not_know_token_ids_is_told(small_study, tmp_path):
    """An older vLLM ignores the parameter and shows the most likely tokens."""
    with serving(small_study.base, names_tokens=False) as running:
        with pytest.raises(InputError, match="does not return the log-probabilities of the tokens") as error:
            by_token_ids(small_study, running.url, tmp_path)
        assert running.asked == 1
    assert "0.26" in error.value.hint and not (tmp_path / "asked.parquet").exists()


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ({"logprobs": None}, "does not return the log-probabilities of the tokens"),
        (
            {"usage": {"prompt_tokens": 7, "completion_tokens": 1, "total_tokens": 8}},
            "counts 7 tokens in a prompt of",
        ),
    ],
)
def test_an_answer_of_another_kind_is_no_number(small_study, server, tmp_path, monkeypatch, said, told):
    from tests import endpoint_server

    original = endpoint_server.complete

    def other(server, body):
        answer = original(server, body)
        answer["choices"][0] |= {key: value for key, value in said.items() if key == "logprobs"}
        return answer | {key: value for key, value in said.items() if key == "usage"}

    monkeypatch.setattr(endpoint_server, "complete", other)
    with pytest.raises(InputError, match=told):
        by_token_ids(small_study, server.url, tmp_path)
    assert not (tmp_path / "asked.parquet").exists()


def reversed_vocabulary(source, folder, n_more=0):
    """Save the same tokenizer with its letters and words numbered the other way round, and some that nobody uses."""
    shutil.copytree(source, folder)
    content = json.loads((folder / "tokenizer.json").read_text())
    special = {one["content"] for one in content["added_tokens"]}
    words = [word for word in content["model"]["vocab"] if word not in special]
    places = [content["model"]["vocab"][word] + n_more for word in words]
    content["model"]["vocab"] |= dict(zip(words, places[::-1], strict=True))
    (folder / "tokenizer.json").write_text(json.dumps(content))
    return folder


@pytest.mark.parametrize(
    ("n_more", "told"),
    [
        (0, "reads other words in the prompt's tokens than the tokenizer"),
        (5000, r"refuses the request \(HTTP 400\)"),
    ],
)
def test_a_tokenizer_of_another_vocabulary_is_noticed(small_study, server, tmp_path, n_more, told):
    other = reversed_vocabulary(small_study.base, tmp_path / "other", n_more)
    with pytest.raises(InputError, match=told) as error:
        by_token_ids(small_study, server.url, tmp_path, tokenizer=other)
    assert "`tokenizer`" in error.value.hint and "Party" not in str(error.value)
    assert not (tmp_path / "asked.parquet").exists()


TEMPLATE = (
    "{% for one in messages %}<{{ one.role }} {{ date_string }}>\n{{ one.content }}\n{% endfor %}"
    "{% if add_generation_prompt %}<assistant {{ date_string }}>\n{% endif %}"
)


def test_a_chat_server_with_prompt_logprobs_gives_the_scores_of_the_local_engine(small_study, tmp_path):
    base = tmp_path / "base"
    shutil.copytree(small_study.base, base)
    settings = json.loads((base / "tokenizer_config.json").read_text())
    (base / "tokenizer_config.json").write_text(json.dumps({**settings, "chat_template": TEMPLATE}))
    with serving(base) as running:
        asked = ask(small_study, running.url, tmp_path, {"api": "chat", "reads": "prompt-logprobs"})
    chatty = copy.copy(small_study)
    chatty.base = base
    local = score(chatty, tmp_path / "local.parquet", chat=True)
    columns = [*option_columns(asked), "option_mass"]
    np.testing.assert_allclose(np.log(asked[columns]), np.log(local[columns]), atol=1e-3)
    assert (asked.n_tokens == local.n_tokens).all() and set(asked.normalization) == {"none"}
    plain = score(small_study, tmp_path / "plain.parquet")
    assert np.abs(np.log(asked.option_mass / plain.option_mass)).min() > 0.01, "the template changed nothing"


@pytest.mark.parametrize("api", ["completions", "chat"])
def test_a_server_that_knows_no_prompt_logprobs_is_told(small_study, server, tmp_path, monkeypatch, api):
    monkeypatch.setattr("tests.endpoint_server.of_prompt", lambda *_: None)
    with pytest.raises(InputError, match="does not return `prompt_logprobs`") as error:
        ask(small_study, server.url, tmp_path, {"api": api, "reads": "prompt-logprobs"})
    assert "reads: top" in error.value.hint and not (tmp_path / "asked.parquet").exists()


@pytest.mark.parametrize("shows_generated", [True, False])
@pytest.mark.parametrize("shows_first", [True, False])
def test_scores_do_not_depend_on_which_other_tokens_a_server_shows(
    small_study, tmp_path, shows_first, shows_generated
):
    with serving(small_study.base, shows_first=shows_first, shows_generated=shows_generated) as running:
        asked = ask(small_study, running.url, tmp_path)
    local = score(small_study, tmp_path / "local.parquet")
    np.testing.assert_allclose(asked.option_mass, local.option_mass, atol=1e-4)


def test_a_rerun_asks_nothing_and_gives_the_same_bytes_without_a_server(small_study, tmp_path):
    with serving(small_study.base) as running:
        ask(small_study, running.url, tmp_path)
        url, asked = running.url, running.asked
    assert asked == 3 * len(read_table(small_study.prompts, PROMPTS).text.unique())
    first = (tmp_path / "asked.parquet").read_bytes()
    ask(small_study, url, tmp_path)
    assert (tmp_path / "asked.parquet").read_bytes() == first


def test_another_model_or_way_of_reading_is_asked_anew(small_study, server, tmp_path):
    ask(small_study, server.url, tmp_path)
    before = server.asked
    ask(small_study, server.url, tmp_path, endpoint={"model": "other"})
    assert server.asked == 2 * before


def test_what_the_server_does_not_show_is_flagged_and_bounded_never_0(small_study, server, tmp_path):
    """One token of some 300 is shown, so most respondents' options are not among them."""
    few = ask(small_study, server.url, tmp_path, {"reads": "top", "top_logprobs": 1})
    exact = score(small_study, tmp_path / "local.parquet", readout="first-token")
    assert (few.n_unseen > 0).all()
    assert (few[option_columns(few)] > 0).all().all()
    assert (few.option_mass <= exact.option_mass + 1e-6).all()
    assert set(few.normalization) == {"first token of the 1 shown"}


def test_all_tokens_shown_give_the_first_token_read_out_of_the_local_engine(small_study, server, tmp_path):
    every = ask(small_study, server.url, tmp_path, {"reads": "top", "top_logprobs": 300})
    exact = score(small_study, tmp_path / "local.parquet", readout="first-token")
    assert (every.n_unseen == 0).all()
    # A letter alone, ' R', begins 'Red' as well: the server's view may hold more than the one token of the engine.
    assert (every.option_mass >= exact.option_mass - 1e-6).all()


def test_a_chat_server_gets_turns_and_its_top_tokens_are_read(small_study, server, tmp_path):
    table = ask(small_study, server.url, tmp_path, {"api": "chat", "reads": "top"})
    assert table[option_columns(table)].sum(axis=1).to_numpy() == pytest.approx(1)


def test_a_server_that_fails_twice_and_then_works(small_study, tmp_path):
    with serving(small_study.base, failures=2) as running:
        table = ask(small_study, running.url, tmp_path, {"at_once": 1})
    local = score(small_study, tmp_path / "local.parquet")
    np.testing.assert_allclose(table.option_mass, local.option_mass, atol=1e-4)


def test_a_server_that_always_fails_keeps_what_it_said_before(small_study, tmp_path, monkeypatch):
    with serving(small_study.base) as running:
        original, respondents = running.RequestHandlerClass.do_POST, 5

        def some(handler):
            if running.asked >= 3 * respondents:
                running.failures = 1
            original(handler)

        monkeypatch.setattr(running.RequestHandlerClass, "do_POST", some)
        with pytest.raises(InputError, match="answers HTTP 500 after 1 retries"):
            ask(small_study, running.url, tmp_path, {"at_once": 1, "max_retries": 1})
    assert not (tmp_path / "asked.parquet").exists()
    kept = sqlite3.connect(tmp_path / "cache.sqlite").execute("SELECT count(*) FROM answers").fetchone()
    assert kept == (respondents,)


def test_a_wrong_key_is_told_and_the_right_one_is_in_no_file(small_study, tmp_path, monkeypatch, caplog):
    with serving(small_study.base, key="the-right-one") as running:
        monkeypatch.delenv(KEY, raising=False)
        with pytest.raises(InputError, match=f"environment variable {KEY} is not set"):
            ask(small_study, running.url, tmp_path, {"key_variable": KEY})
        monkeypatch.setenv(KEY, "the-wrong-one")
        with pytest.raises(InputError, match=r"refuses the key \(HTTP 401\)"):
            ask(small_study, running.url, tmp_path, {"key_variable": KEY})
        assert running.asked == 0
        monkeypatch.setenv(KEY, "the-right-one")
        with caplog.at_level("DEBUG"):
            ask(small_study, running.url, tmp_path, {"key_variable": KEY})
    for file in tmp_path.iterdir():
        assert b"the-right-one" not in file.read_bytes()
    assert "the-right-one" not in caplog.text


def test_a_refused_connection_is_one_line_and_leaves_nothing(small_study, tmp_path):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with pytest.raises(InputError, match=f"no server answers at http://127.0.0.1:{port}/v1") as error:
        ask(small_study, f"http://127.0.0.1:{port}/v1", tmp_path)
    assert "\n" not in error.value.what
    assert not (tmp_path / "asked.parquet").exists()


def test_no_respondent_stands_in_the_cache_or_the_log(small_study, server, tmp_path, caplog, monkeypatch):
    monkeypatch.setenv("OPENAI_LOG", "debug")
    with caplog.at_level("DEBUG"):
        ask(small_study, server.url, tmp_path)
    cached = (tmp_path / "cache.sqlite").read_bytes()
    for content in (cached, caplog.text.encode()):
        assert MARKER.encode() not in content and b"years" not in content and b"Party" not in content


def test_normalising_by_length_is_refused_where_only_first_tokens_are_read(small_study, tmp_path):
    with pytest.raises(InputError, match=r"scoring\.normalization: token needs whole options"):
        ask(small_study, "http://localhost:9/v1", tmp_path, {"reads": "top"}, normalization="token")


def test_a_server_without_prompt_logprobs_is_told_apart_from_one_that_fails(
    small_study, server, tmp_path, monkeypatch
):
    from tests import endpoint_server

    original = endpoint_server.complete

    def silent(server, body):
        return original(server, {**body, "echo": False})

    monkeypatch.setattr(endpoint_server, "complete", silent)
    with pytest.raises(InputError, match="does not return the log-probabilities of its prompt") as error:
        ask(small_study, server.url, tmp_path)
    assert "reads: top" in error.value.hint


@pytest.mark.parametrize(
    "reads",
    [{}, {"reads": "top"}, {"reads": "top", "api": "chat"}, {"reads": "prompt-logprobs", "api": "chat"}],
)
def test_a_web_page_is_not_taken_for_an_answer(small_study, tmp_path, reads):
    class Page(BaseHTTPRequestHandler):
        def log_message(self, *_):
            pass

        def do_GET(self):
            self.do_POST()

        def do_POST(self):
            self.rfile.read(int(self.headers["Content-Length"] or 0))
            self.send_response(200)
            self.send_header("Content-Type", "text/html")
            self.send_header("Content-Length", "13")
            self.end_headers()
            self.wfile.write(b"<html></html>")

    server = ThreadingHTTPServer(("127.0.0.1", 0), Page)
    Thread(target=server.serve_forever, daemon=True).start()
    try:
        with pytest.raises(InputError, match=r"does not return (the )?(log-probabilities|`prompt_logprobs`)"):
            ask(small_study, f"http://127.0.0.1:{server.server_port}", tmp_path, reads)
    finally:
        server.shutdown()
        server.server_close()


def test_folds_without_training_respondents_have_no_examples(small_study, tmp_path):
    splits = read_table(small_study.splits, SPLITS)
    none = copy.copy(splits).assign(in_training=False)
    none.to_parquet(tmp_path / "none.parquet")
    with pytest.raises(InputError, match="few-shot: 2 examples"):
        ask(small_study, "http://localhost:9/v1", tmp_path, examples=2, splits=tmp_path / "none.parquet")


@pytest.fixture(scope="module")
def llama_cpp(small_study, tmp_path_factory):
    """llama.cpp's own server, through llama-cpp-python, with the same weights as GGUF."""
    python = os.environ.get("STIMMUNG_LLAMA_CPP")
    if not python:
        pytest.skip("STIMMUNG_LLAMA_CPP names no Python with llama-cpp-python[server] and gguf")
    folder = tmp_path_factory.mktemp("llama-cpp")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [python, str(SERVER), str(small_study.source), str(folder / "small.gguf"), str(port)]
    clean = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    running = subprocess.Popen(command, env=clean)
    try:
        for _ in range(300):
            assert running.poll() is None, "llama.cpp's server has ended"
            try:
                socket.create_connection(("127.0.0.1", port), timeout=1).close()
                break
            except OSError:
                time.sleep(0.2)
        yield f"http://127.0.0.1:{port}/v1"
    finally:
        running.terminate()
        running.wait()


def test_llama_cpp_gives_the_scores_of_the_local_engine(small_study, llama_cpp, tmp_path):
    """On weights that are not quantised, because GGUF knows no NF4."""
    plain = SimpleNamespace(**{**vars(small_study), "base": tmp_path / "base"})
    prepare_model(
        source=str(small_study.source),
        revision=None,
        quantization="none",
        compute_dtype="float32",
        threads=1,
        description=plain.base / "model.json",
    )
    asked = ask(plain, llama_cpp, tmp_path, {"at_once": 1})
    local = score(plain, tmp_path / "local.parquet")
    columns = [*option_columns(asked), "option_mass"]
    np.testing.assert_allclose(asked[columns], local[columns], atol=1e-2, rtol=0)
    np.testing.assert_allclose(np.log(asked[columns]), np.log(local[columns]), atol=1e-2)
    assert (asked.n_tokens == local.n_tokens).all()
