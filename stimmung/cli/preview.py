"""A survey's prompts as a model will read them: of made-up respondents, unless real ones are asked for."""

from collections.abc import Iterator
from itertools import product
from pathlib import Path
from typing import Any

from stimmung.data.surveys.hidden_answers import shown_answers
from stimmung.study.named_files import read_groups, read_respondents
from stimmung.study.reading import load_codebook
from stimmung.study.study import Study
from stimmung.study.surveys import Survey
from stimmung.text.personas import persona_messages, rendering_of
from stimmung.text.prompts import Message, survey_messages
from stimmung.vocabulary.arms import ARMS
from stimmung.vocabulary.codebook import Codebook
from stimmung.vocabulary.errors import InputError, did_you_mean, unknown
from stimmung.vocabulary.groups import Groups, words_of_groups

MADE_UP = 200  # respondents, of whom the first are shown; a choice
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
    """Yield lines: prompts of ``n`` respondents of each survey, or of one, once for each way in which its models read.

    Shown is one condition, by default the first. Unless ``real``, the survey's file is not even opened. Raises InputError if there
    is no such survey or condition, or file and codebook do not fit.
    """
    surveys = study.selected_surveys()
    if survey is not None and survey not in surveys:
        raise InputError(f"no survey '{survey}' in this run{did_you_mean(survey, surveys)}")
    for name, chosen in surveys.items():
        if survey not in (None, name):
            continue
        whole = load_codebook(root / chosen.codebook)
        named = condition or next(iter(chosen.conditions))
        if named not in chosen.conditions:
            raise InputError(*unknown(f"surveys.{name}", "condition", [named], chosen.conditions))
        if chosen.groups is not None:
            yield from _prompts_of_groups(study, name, chosen, chosen.groups, whole, n, real, root)
            continue
        respondents = read_respondents(chosen, whole, root, None if real else MADE_UP)
        whose = "REAL RESPONDENTS: do not share"
        if not real or chosen.simulate is not None:
            whose = "made-up respondents; the survey's file was not read"
        yield f"survey {name}, condition {named}: prompts of {whose}"
        personas = sorted({ARMS[arm.split("/")[1]].persona for arm in chosen.arms})
        for view, persona in product(chosen.asked(whole), personas):
            codebook = view.of(whole)
            not_asked = chosen.not_asked(named, whole)
            seen = shown_answers(respondents.head(n), not_asked, view.item)
            rows: list[Any] = seen.to_dict("records")
            if view.others:
                yield f"{_RULE}\ntarget {view.item}"
            messages_of = persona_messages if persona else survey_messages
            answers = codebook.persona_answers if persona else codebook.target_labels
            for way, render in _ways(study, chosen, codebook, root, persona).items():
                yield f"{_RULE}\n{way}"
                for row in rows:
                    dropped = chosen.conditions[named].drop_items
                    yield f"{_RULE}\n{render(messages_of(row, codebook, chosen.language, dropped))}"
            yield f"{_RULE}\nand then one of: {' | '.join(answers(chosen.language))}"


def _prompts_of_groups(
    study: Study, name: str, survey: Survey, settings: Groups, whole: Codebook, n: int, real: bool, root: Path
) -> Iterator[str]:
    """Yield the prompts of ``n`` groups of a survey for each target."""
    groups, _ = read_groups(survey, whole, settings, root, None if real else MADE_UP)
    yield f"survey {name}: prompts of groups by {', '.join(settings.by)}"
    rows: list[Any] = groups.head(n).to_dict("records")
    for target in survey.targets or [whole.target]:
        codebook = words_of_groups(whole, settings.by, target)
        yield f"{_RULE}\ntarget {target}"
        for way, render in _ways(study, survey, codebook, root, persona=False).items():
            yield f"{_RULE}\n{way}"
            for row in rows:
                yield f"{_RULE}\n{render(survey_messages(row, codebook, survey.language))}"
        yield f"{_RULE}\nand then one of: {' | '.join(codebook.target_labels(survey.language))}"


def _ways(study: Study, survey: Survey, codebook: Codebook, root: Path, persona: bool) -> dict[str, Any]:
    """Return a function that renders messages, for each way in which the arms' models read them."""
    arms = [arm.split("/") for arm in survey.arms]
    models = dict.fromkeys(model for model, arm in arms if ARMS[arm].persona == persona)
    what = "backstories" if persona else "prompts"
    ways: dict[str, Any] = {}
    base, unknown = [], []
    for model in models:
        chat = model in study.models and study.models[model].chat
        chat = chat or (model in study.endpoints and study.endpoints[model].api == "chat")
        folder = _tokenizer_folder(study, model, root)
        if not chat:
            base.append(model)
        elif folder is None:
            unknown.append(model)
        else:
            # Imported here: transformers takes seconds, and most prompts are looked at before there is a model.
            from stimmung.engine.base.model_files import load_tokenizer

            rendering = rendering_of(codebook, survey.language, load_tokenizer(folder), True, persona)
            ways[f"{what} in the chat template of {model}"] = rendering.text
    plain = rendering_of(codebook, survey.language, None, False, persona)
    if base:
        ways[f"{what} as running text, of {', '.join(base)}"] = plain.text
    if unknown:
        ways[f"{what} in turns, of {', '.join(unknown)}; their chat templates are not on this machine"] = (
            lambda messages: _in_turns(plain.turns(messages))
        )
    return ways


def _tokenizer_folder(study: Study, model: str, root: Path) -> Path | None:
    """Return where a model's tokenizer is on this machine, if it is."""
    if model in study.endpoints and study.endpoints[model].tokenizer is not None:
        model = str(study.endpoints[model].tokenizer)
        if model not in study.models:
            return root / model if (root / model / "tokenizer_config.json").is_file() else None
    if model not in study.models:
        return None
    places = [root / "results" / "models" / model, root / study.models[model].source]
    return next((place for place in places if (place / "tokenizer_config.json").is_file()), None)


def _in_turns(messages: list[Message]) -> str:
    return "\n".join(f"[{message['role']}]\n{message['content']}" for message in messages) + "\n[assistant]"
