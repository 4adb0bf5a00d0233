"""Codebooks and layouts, checked as they are read, and how a mistake is told: all at once, each with its place and a near name."""

from pathlib import Path
from typing import Any, TypeVar

import yaml
from pydantic import BaseModel, ValidationError

from stimmung.vocabulary.codebook import Codebook
from stimmung.vocabulary.errors import InputError, near
from stimmung.vocabulary.layout import Layout

ModelT = TypeVar("ModelT", bound=BaseModel)


def load_codebook(path: Path) -> Codebook:
    """Read a codebook.

    Raises
    ------
    InputError
        If the file is absent, is no YAML, or says something that a codebook cannot say.
    """
    return _load(Codebook, path, "codebook", "A survey's `codebook` names a YAML file.")


def load_layout(path: Path) -> Layout:
    """Read the layout of an archive's file; errors as in :func:`load_codebook`."""
    return _load(Layout, path, "layout", "A survey's `simulate.layout` names a YAML file.")


def _load(model: type[ModelT], path: Path, kind: str, hint: str) -> ModelT:
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise InputError(f"no {kind} at {path}", hint) from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise InputError(f"{path} is not valid YAML: {error}") from error
    return validated(model, content, str(path))


def validated(model: type[ModelT], content: Any, where: str) -> ModelT:
    """Return ``content`` as ``model``, or raise one InputError that lists every mistake."""
    try:
        return model.model_validate(content)
    except ValidationError as error:
        faults = [_fault(model, dict(detail)) for detail in error.errors()]
        raise InputError(f"{where}: " + "; ".join(faults), "config.yaml explains every key.") from error


def _fault(model: type[BaseModel], detail: dict[str, Any]) -> str:
    # pydantic names the members of a union in the place, which are no keys of the file.
    place = [
        part
        for part in detail["loc"]
        if not (isinstance(part, str) and (part in ("int", "float", "str") or "[" in part))
    ]
    name = ".".join(str(part) for part in place)
    if detail["type"] == "extra_forbidden":
        return f"unknown key '{name}'{near(str(place[-1]), _keys_at(model, place[:-1]))}"
    message = detail["msg"].removeprefix("Value error, ")
    return f"{name}: {message}" if name else message


def _keys_at(model: Any, place: list[Any]) -> list[str]:
    """Return the keys that the model allows at ``place``, by walking the annotations down to it."""
    for part in place:
        model = _inside(model, part)
        if model is None:
            return []
    return list(model.model_fields) if isinstance(model, type) and issubclass(model, BaseModel) else []


def _inside(annotation: Any, part: Any) -> Any:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        field = annotation.model_fields.get(str(part))
        return None if field is None else field.annotation
    arguments = getattr(annotation, "__args__", ())
    return next((one for one in reversed(arguments) if one is not type(None)), None)
