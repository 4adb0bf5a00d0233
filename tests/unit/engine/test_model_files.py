import json
import shutil

import pytest
from tokenizers import Tokenizer
from transformers import AutoTokenizer, BertTokenizer, PreTrainedTokenizerFast
from transformers.utils import logging

from stimmung.engine.base.base_model import load_base
from stimmung.engine.base.encoders import load_classifier
from stimmung.engine.base.model_files import (
    DESCRIPTION,
    WEIGHTS_AND_TOKENIZER,
    digest_of,
    save_base,
    strangers,
)
from stimmung.engine.base.preparing import quantize_base
from stimmung.vocabulary.errors import InputError
from tests.small_encoder import prepare_small_encoder
from tests.unit.text.conftest import llama3, mistral, qwen  # noqa: F401 (fixtures)

logging.set_verbosity_error()
TEXTS = [
    "Partei: Grüne\nAlter: 44\nVote: Nichtwähler",
    " zwei  Leerzeichen\tTab",
    "<s>[INST] 你好 🙂</s>",
    "",
]
TURNS = [{"role": "user", "content": "Vote?"}, {"role": "assistant", "content": "Grüne"}]
WRITTEN = sorted(WEIGHTS_AND_TOKENIZER)


class NoWeights:
    """A model as far as a test of tokenizers needs one."""

    def save_pretrained(self, folder, **_):
        folder.mkdir(parents=True)
        for name in ("model.safetensors", "config.json", "generation_config.json"):
            (folder / name).write_text("{}")


@pytest.fixture
def bert(tmp_path):
    """A word-piece tokenizer of a class of its own, as BERT's checkpoints have it."""
    special = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
    pieces = [
        *special,
        *"abcdefghijklmnopqrstuvwxyz:4",
        *(f"##{one}" for one in "abcdefghijklmnopqrstuvwxyz4"),
    ]
    (tmp_path / "vocab.txt").write_text("\n".join(pieces) + "\n")
    return BertTokenizer.from_pretrained(tmp_path, model_max_length=512)


@pytest.fixture
def with_added_tokens(qwen):  # noqa: F811
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=Tokenizer.from_str(qwen.backend_tokenizer.to_str()),
        eos_token="<|endoftext|>",
        model_max_length=77,
        padding_side="left",
    )
    tokenizer.add_tokens(["Nichtwähler"])
    tokenizer.add_special_tokens({"extra_special_tokens": ["<|party|>"]})
    # As some checkpoints have it, one template for conversations and one for tools.
    tokenizer.chat_template = {"default": qwen.chat_template, "tool_use": "{{ messages[0].content }}"}
    return tokenizer


@pytest.fixture(params=["llama3", "qwen", "mistral", "bert", "with_added_tokens"])
def tokenizer(request):
    return request.getfixturevalue(request.param)


def read(folder):
    """How the engine reads a tokenizer."""
    return AutoTokenizer.from_pretrained(folder, trust_remote_code=False)


def assert_same(saved, tokenizer):
    for text in TEXTS:
        assert saved(text)["input_ids"] == tokenizer(text)["input_ids"], text
        assert saved(text, add_special_tokens=False) == tokenizer(text, add_special_tokens=False)
    assert saved.get_vocab() == tokenizer.get_vocab()
    assert saved.special_tokens_map == tokenizer.special_tokens_map
    assert saved.all_special_ids == tokenizer.all_special_ids
    assert saved.chat_template == tokenizer.chat_template
    assert saved.model_max_length == tokenizer.model_max_length
    assert saved.padding_side == tokenizer.padding_side
    if tokenizer.chat_template:
        assert saved.apply_chat_template(TURNS) == tokenizer.apply_chat_template(TURNS)


def test_any_tokenizer_reads_the_same_from_files_that_are_always_the_same(tokenizer, tmp_path):
    save_base(NoWeights(), tokenizer, tmp_path / "base")
    assert sorted(path.name for path in (tmp_path / "base").iterdir()) == WRITTEN
    assert_same(read(tmp_path / "base"), tokenizer)
    # And again, of what was saved.
    save_base(NoWeights(), read(tmp_path / "base"), tmp_path / "again")
    assert_same(read(tmp_path / "again"), tokenizer)


def test_a_chat_template_in_a_file_of_its_own_is_kept(qwen, tmp_path):  # noqa: F811
    qwen.save_pretrained(tmp_path / "source")
    assert (tmp_path / "source/chat_template.jinja").exists()
    save_base(NoWeights(), read(tmp_path / "source"), tmp_path / "base")
    assert_same(read(tmp_path / "base"), qwen)


def test_what_was_left_of_another_model_or_of_a_killed_attempt_goes(mistral, qwen, tmp_path):  # noqa: F811
    base = tmp_path / "base"
    NoWeights().save_pretrained(base)
    qwen.save_pretrained(base)
    (base / ".draft").mkdir()
    (base / ".draft/half.safetensors").write_text("half")
    (base / "notes.md").write_text("the user's")
    mistral.chat_template, kept = None, mistral.chat_template
    try:
        save_base(NoWeights(), mistral, base)
    finally:
        mistral.chat_template = kept
    assert sorted(path.name for path in base.iterdir()) == sorted([*WRITTEN, "notes.md"])
    assert read(base).chat_template is None


def test_links_are_replaced_and_what_they_lead_to_is_left_alone(qwen, tmp_path):  # noqa: F811
    base, cache = tmp_path / "base", tmp_path / "cache"
    base.mkdir()
    cache.mkdir()
    for name in WRITTEN:
        (cache / name).write_text("of a group")
        (base / name).symlink_to(cache / name)
    (base / "chat_template.jinja").symlink_to(cache / "nothing")
    save_base(NoWeights(), qwen, base)
    assert {path.read_text() for path in cache.iterdir()} == {"of a group"}
    assert sorted(path.name for path in base.iterdir()) == WRITTEN
    assert not any(path.is_symlink() for path in base.iterdir())


def test_a_save_that_fails_leaves_what_was_there(qwen, tmp_path):  # noqa: F811
    class NoSpace(NoWeights):
        def save_pretrained(self, folder, **options):
            super().save_pretrained(folder, **options)
            raise OSError(28, "No space left on device")

    save_base(NoWeights(), qwen, tmp_path)
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    with pytest.raises(OSError, match="No space"):
        save_base(NoSpace(), qwen, tmp_path)
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before


def test_a_tokenizer_without_fast_form_is_refused(tmp_path):
    from transformers import ByT5Tokenizer

    with pytest.raises(InputError, match="no fast form"):
        save_base(NoWeights(), ByT5Tokenizer(), tmp_path / "base")
    assert not (tmp_path / "base").exists()


def prepare(source, output):
    (output / DESCRIPTION).write_text(json.dumps(quantize_base(str(source), None, "nf4", "float32", output)))


def test_a_base_that_holds_files_of_another_model_is_not_loaded(source, tmp_path):
    prepare(source, tmp_path)
    assert strangers(tmp_path) == []
    (tmp_path / "chat_template.jinja").write_text("{{ 'of another model' }}")
    with pytest.raises(InputError, match=r"chat_template\.jinja, which is not a file of the model"):
        load_base(tmp_path)


def test_the_same_holds_for_an_encoder(tmp_path):
    base = prepare_small_encoder(tmp_path)
    assert sorted(path.name for path in base.iterdir()) == sorted([*WRITTEN, DESCRIPTION])
    load_classifier(base, 2, 0)
    (base / "added_tokens.json").write_text("{}")
    with pytest.raises(InputError, match="not a file of the model"):
        load_classifier(base, 2, 0)


def test_a_base_that_an_earlier_version_prepared_still_loads(source, qwen, tmp_path):  # noqa: F811
    prepare(source, tmp_path)
    described = json.loads((tmp_path / DESCRIPTION).read_text())
    del described["files"]
    shutil.copy(source / "generation_config.json", tmp_path)
    (tmp_path / "chat_template.jinja").write_text(qwen.chat_template)
    described["digest"] = digest_of(tmp_path)
    (tmp_path / DESCRIPTION).write_text(json.dumps(described))
    base = load_base(tmp_path)
    assert base.digest == described["digest"] and base.tokenizer.chat_template == qwen.chat_template
