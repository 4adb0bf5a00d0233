"""A survey's prompts as a model will see them: of made-up respondents, unless real ones are asked for."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from stimmung.study.check import read_respondents
from stimmung.study.study import Study, load_codebook
from stimmung.study.surveys import Survey
from stimmung.text.prompts import Message, plain_text, survey_messages
from stimmung.vocabulary.codebook import Codebook, worded
from stimmung.vocabulary.errors import InputError, near

MADE_UP = 200  # of whom the ones that are shown are the first
_RULE = "─" * 100


def shown_prompts(
    study: Study,
    n: int,
    *,
    survey: str | None = None,
    condition: str | None = None,
    real: bool = False,
    root: Path = Path(),
) -> Iterator[str]:
    """Yield lines: each survey's prompts, once for each way in which its models read.

    Parameters
    ----------
    study
        The study.
    n
        Respondents of each survey.
    survey, condition
        Only this survey; the prompts of this condition, by default the first.
    real
        Read the survey's file and show what people answered. Otherwise the file is not even opened.
    root
        The folder that relative paths and `results/` start from.

    Raises
    ------
    InputError
        If there is no such survey or condition, or file and codebook do not go together.
    """
    surveys = study.selected_surveys()
    if survey is not None and survey not in surveys:
        raise InputError(f"no survey '{survey}' in this run{near(survey, surveys)}")
    for name, chosen in surveys.items():
        if survey not in (None, name):
            continue
        codebook = load_codebook(root / chosen.codebook)
        named = condition or next(iter(chosen.conditions))
        if named not in chosen.conditions:
            raise InputError(f"surveys.{name}: no condition '{named}'{near(named, chosen.conditions)}")
        nobody = not real or chosen.simulate is not None
        respondents = read_respondents(chosen, codebook, root, None if real else MADE_UP)
        whose = (
            "made-up respondents; the survey's file was not read"
            if nobody
            else "REAL RESPONDENTS: keep it to yourself"
        )
        yield f"survey {name}, condition {named}: prompts of {whose}"
        for way, render in _ways(study, chosen, codebook, root).items():
            yield f"{_RULE}\n{way}"
            for row in respondents.head(n).to_dict("records"):
                messages = survey_messages(
                    {str(key): value for key, value in row.items()},
                    codebook,
                    chosen.language,
                    chosen.conditions[named].drop_items,
                )
                yield f"{_RULE}\n{render(messages)}"
        yield f"{_RULE}\nand then one of: {' | '.join(codebook.target_labels(chosen.language))}"


def _ways(study: Study, survey: Survey, codebook: Codebook, root: Path) -> dict[str, Any]:
    """Return a function that renders messages, for each way in which the survey's models read them."""
    question = worded(codebook.question, survey.language)
    renderers = {model: _tokenizer(study, model, root) for model in survey.models()}
    base = [model for model in renderers if not study.models[model].chat]
    unknown = [model for model, renderer in renderers.items() if renderer is None and model not in base]
    ways: dict[str, Any] = {
        f"chat template of {model}": renderer for model, renderer in renderers.items() if renderer is not None
    }
    if base:
        ways[f"running text of {', '.join(base)}"] = lambda messages: plain_text(messages, question)
    if unknown:
        ways[f"turns of {', '.join(unknown)}, without their chat templates: no tokenizer on this machine"] = (
            _in_turns
        )
    return ways


def _tokenizer(study: Study, model: str, root: Path) -> Any:
    """Return a function that renders with the model's chat template; None if its tokenizer is not here."""
    if not study.models[model].chat:
        return None
    places = [root / "results" / "models" / model, root / study.models[model].source]
    found = next((place for place in places if (place / "tokenizer_config.json").is_file()), None)
    if found is None:
        return None
    # Imported here: transformers takes seconds, and most surveys are looked at before there is a model.
    from stimmung.engine.tokenizer import load_tokenizer
    from stimmung.text.chat import chat_text

    tokenizer = load_tokenizer(found)
    return lambda messages: chat_text(tokenizer, messages)


def _in_turns(messages: list[Message]) -> str:
    return "\n".join(f"[{message['role']}]\n{message['content']}" for message in messages) + "\n[assistant]"
