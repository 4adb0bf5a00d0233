"""A BERT that takes no time to make: random weights, and a word-piece tokenizer of a few words."""

from pathlib import Path

import torch
from tokenizers import Tokenizer, models, pre_tokenizers, processors, trainers
from transformers import BertConfig, BertModel, PreTrainedTokenizerFast

from scripts.prepare_model import prepare_model
from stimmung.engine.base.model_files import WEIGHTS_AND_TOKENIZER

WORDS = "Party: red none blue Age: years 0 1 2 3 4 5 6 7 8 9"


def save_small_encoder(directory: Path, context: int = 64) -> Path:
    """Save an ordinary Hugging Face directory; the same bytes every time."""
    tokenizer = Tokenizer(models.WordPiece(unk_token="[UNK]"))
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    special = ["[PAD]", "[UNK]", "[CLS]", "[SEP]"]
    tokenizer.train_from_iterator(
        [WORDS] * 4, trainers.WordPieceTrainer(vocab_size=200, special_tokens=special)
    )
    tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", special_tokens=[("[CLS]", 2), ("[SEP]", 3)]
    )
    torch.manual_seed(0)
    config = BertConfig(
        vocab_size=tokenizer.get_vocab_size(),
        hidden_size=32,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=64,
        max_position_embeddings=context,
    )
    BertModel(config).save_pretrained(directory)
    PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, pad_token="[PAD]", unk_token="[UNK]", cls_token="[CLS]", sep_token="[SEP]"
    ).save_pretrained(directory)
    return directory


def prepare_small_encoder(folder: Path, context: int = 64) -> Path:
    """Return a prepared encoder, as the rule `prepare_model` makes it."""
    prepare_model(
        source=str(save_small_encoder(folder / "source", context)),
        revision=None,
        quantization="none",
        compute_dtype="float32",
        encoder=True,
        threads=1,
        store=folder / "store",
        description=folder / "base" / "model.json",
        files=[folder / "base" / name for name in WEIGHTS_AND_TOKENIZER],
    )
    return folder / "base"
