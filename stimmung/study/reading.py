"""YAML files, read strictly and checked: all mistakes are reported at once, each with its place and the nearest known name."""

import re
from collections.abc import Sequence
from pathlib import Path
from types import UnionType
from typing import Annotated, Any, TypeVar, Union, get_args, get_origin

import yaml
from pydantic import BaseModel, ValidationError

from stimmung.vocabulary.codebook import Codebook
from stimmung.vocabulary.errors import InputError, did_you_mean
from stimmung.vocabulary.layout import Layout
from stimmung.vocabulary.view import View

ModelT = TypeVar("ModelT", bound=BaseModel)
_MERGE_TAG = "tag:yaml.org,2002:merge"


class _StrictLoader(yaml.SafeLoader):  # type: ignore[misc]  # yaml has no types here
    """YAML without two traps: a key given twice, of which YAML keeps the last, and numbers with a leading zero, which are octal."""

    def compose_mapping_node(self, anchor: str | None) -> yaml.MappingNode:
        node = super().compose_mapping_node(anchor)
        lines: dict[tuple[str, str], int] = {}
        for key, _ in node.value:
            if not isinstance(key, yaml.ScalarNode) or key.tag == _MERGE_TAG:
                continue
            line = key.start_mark.line + 1
            first = lines.setdefault((key.tag, key.value), line)
            if first != line:
                raise InputError(
                    f"{self.name}: '{key.value}' is given twice, in lines {first} and {line}",
                    "YAML would silently keep the last one; merge them, or rename one.",
                )
        return node

    def construct_yaml_int(self, node: yaml.ScalarNode) -> int:
        if re.fullmatch(r"[-+]?0\d+", node.value):
            raise InputError(
                f"{self.name}, line {node.start_mark.line + 1}: YAML reads {node.value} as an octal number",
                f"Put it in quotes, '{node.value}', if the data has it with the zero; leave the zero out if not.",
            )
        return int(super().construct_yaml_int(node))


_StrictLoader.add_constructor("tag:yaml.org,2002:int", _StrictLoader.construct_yaml_int)


def read_yaml(path: Path, kind: str, hint: str) -> Any:
    """Return the content of a YAML file; ``kind`` says what it is, and ``hint`` what to do about its absence.

    Raises
    ------
    InputError
        If the file is absent or not YAML, gives a key twice, or has a number with a leading zero.
    """
    try:
        text = path.read_text(encoding="utf-8")
        loader = _StrictLoader(text)
        loader.name = str(path)
        return loader.get_single_data()
    except FileNotFoundError as error:
        raise InputError(f"no {kind} at {path}", hint) from error
    except yaml.MarkedYAMLError as error:
        line = f", in line {error.problem_mark.line + 1}" if error.problem_mark else ""
        what = f"{path} is not valid YAML: {error.problem}{line}"
        raise InputError(what, "Text with : or ? needs quotes.") from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise InputError(f"{path} is not valid YAML: {error}") from error


def load_codebook(path: Path, view: View | None = None) -> Codebook:
    """Read a codebook, as it asks for the target of ``view`` or for its own.

    Raises InputError if the file cannot be read, see :func:`read_yaml`, or is not a codebook.
    """
    content = read_yaml(path, "codebook", "A survey's `codebook` names a YAML file.")
    codebook = validated(Codebook, content, str(path), "docs/codebooks.md explains every key.")
    return codebook if view is None else view.of(codebook)


def load_layout(path: Path) -> Layout:
    """Read the layout of an archive's file; errors as in :func:`load_codebook`."""
    content = read_yaml(path, "layout", "A survey's `simulate.layout` names a YAML file.")
    return validated(Layout, content, str(path), "codebooks/layouts/za6835.yaml is an example.")


def validated(
    model: type[ModelT], content: Any, where: str, hint: str = "docs/configuration.md explains every key."
) -> ModelT:
    """Return ``content`` as ``model``, or raise one InputError that lists every mistake."""
    try:
        return model.model_validate(content)
    except ValidationError as error:
        faults: dict[str, list[tuple[bool, str]]] = {}
        for detail in error.errors():
            place = _place(detail["loc"])
            fault = _fault(model, place, dict(detail))
            faults.setdefault(".".join(place), []).append((detail["type"] == "value_error", fault))
        said = []
        for found in faults.values():
            # What the other members of a union would have had instead is no help beside a message of our own.
            said += [fault for ours, fault in found if ours] or [fault for _, fault in found]
        raise InputError(f"{where}: " + "; ".join(said), hint) from error


def _place(location: tuple[int | str, ...]) -> list[str]:
    # pydantic names the members of a union in the place, which are no keys of the file.
    names = (str(part) for part in location if part not in ("int", "float", "str"))
    return [name for name in names if "[" not in name]


def _fault(model: type[BaseModel], place: list[str], detail: dict[str, Any]) -> str:
    name = ".".join(place)
    if detail["type"] == "extra_forbidden":
        return f"unknown key '{name}'{did_you_mean(place[-1], _keys_at(model, place[:-1]))}"
    message = detail["msg"].removeprefix("Value error, ")
    return f"{name}: {message}" if name else message


def _keys_at(model: Any, place: list[str]) -> list[str]:
    """Return the keys that the model allows at ``place``, by walking the annotations down to it."""
    for part in place:
        if isinstance(model, type) and issubclass(model, BaseModel):
            field = model.model_fields.get(part)
            model = None if field is None else field.annotation
        else:
            arguments = getattr(model, "__args__", ())
            model = next((one for one in reversed(arguments) if one is not type(None)), None)
    model = _model_in(model)
    return [] if model is None else list(model.model_fields)


def _model_in(annotation: Any) -> type[BaseModel] | None:
    """Return the model that an annotation is, or that is a member of its union."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    within = get_args(annotation) if get_origin(annotation) in (Annotated, Union, UnionType) else ()
    return next((model for one in within if (model := _model_in(one)) is not None), None)


def merged_config(files: Sequence[Path], root: Path = Path()) -> dict[str, Any]:
    """Return config.yaml with the files laid over it, as ``--configfile`` does; raises InputError if one is not a map of keys."""
    config: dict[str, Any] = {}
    for path in [root / "config.yaml", *files]:
        content = read_yaml(path, "config", "Run this in the folder of the Snakefile.") or {}
        if not isinstance(content, dict):
            raise InputError(f"{path} is not a map of keys", "studies/beps1997.yaml is a short example.")
        config = _merged(config, content)
    return config


def _merged(below: Any, above: Any) -> Any:
    if not (isinstance(below, dict) and isinstance(above, dict)):
        return above
    return {**below, **{key: _merged(below.get(key), value) for key, value in above.items()}}
