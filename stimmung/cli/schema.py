"""Write what the config's models know of their keys: config.schema.json for editors, docs/configuration.md for readers."""

import ast
import inspect
import json
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

from stimmung.study.study import Study
from stimmung.vocabulary.atomic_files import write_atomic
from stimmung.vocabulary.strict import Strict

SCHEMA, PAGE = "config.schema.json", "docs/configuration.md"
_DIALECT = "https://json-schema.org/draft/2020-12/schema"
_INTRODUCTION = """\
# Configuration

*Written by `stimmung schema` from the models in `stimmung/`; edit their descriptions, not this page.*

Snakemake reads `config.yaml`, the demo's study, and lays the files of `--configfile` over it, in their order. Maps are merged key by
key; lists and single values are replaced. So a study inherits the demo's models, presets and baselines, and a survey or panel of its
own has, for every key that it does not give, the default below. An unknown key, or one given twice in a file, is an error.

A file laid over a survey that has `conditions` adds to them and changes their keys; `only` chooses among all. A condition's `arms` may
name an arm without a model (`tuned`), so that it still holds when a file above replaces the survey's `arms`.
"""
_WORDS = {"string": "text", "boolean": "true or false"}
_BOUNDS = {"minimum": "≥", "exclusiveMinimum": ">", "maximum": "≤", "exclusiveMaximum": "<"}

Json = dict[str, Any]


def write_schema(root: Path = Path()) -> list[Path]:
    """Write the JSON Schema and the page, and return their paths."""
    write_atomic(root / SCHEMA, json.dumps(config_schema(), indent=1, ensure_ascii=False) + "\n")
    write_atomic(root / PAGE, configuration_page())
    return [root / SCHEMA, root / PAGE]


def config_schema() -> Json:
    """Return the config as JSON Schema 2020-12. No key is required: a study's file holds only what differs from config.yaml."""
    schema = _tidy(_described_schema(), keep_required=False)
    return {"$schema": _DIALECT, "title": "A study of Stimmung, or config.yaml", **schema}


def configuration_page() -> str:
    """Return docs/configuration.md: every key with its type, default and meaning, by section."""
    schema = _tidy(_described_schema(), keep_required=True)
    parts = [_INTRODUCTION]
    for place, model in _models("", schema, schema["$defs"]):
        keys = [part for part in place.split(".") if part != "NAME"]
        depth = "#" * min(4, 1 + len(keys))
        heading = f"{depth} `{place}`\n\n{model['description']}\n" if place else "## Top level\n"
        parts.append(f"{heading}\n" + "\n".join(_table(model, schema["$defs"])) + "\n")
    return "\n".join(parts)


def _described_schema() -> Json:
    """Return pydantic's schema of a study with the descriptions that stand below the fields."""
    schema = Study.model_json_schema()
    models = {model.__name__: model for model in _below(Strict)}
    for name, described in {Study.__name__: schema, **schema["$defs"]}.items():
        descriptions = field_descriptions(models[name]) if name in models else {}
        for field, description in descriptions.items():
            # In the order of the alphabet, as pydantic writes what it knows.
            described["properties"][field] = dict(
                sorted({**described["properties"][field], "description": description}.items())
            )
    return schema


def _below(model: type[Strict]) -> Iterator[type[Strict]]:
    for one in model.__subclasses__():
        yield one
        yield from _below(one)


def field_descriptions(model: type[Strict]) -> dict[str, str]:
    """Return the strings below the fields of a model, those of the models that it extends too."""
    found: dict[str, str] = {}
    for one in reversed(model.__mro__):
        if issubclass(one, Strict):
            statements = ast.parse(inspect.getsource(one)).body[0]
            assert isinstance(statements, ast.ClassDef)
            for field, below in pairwise(statements.body):
                if isinstance(field, ast.AnnAssign) and isinstance(below, ast.Expr):
                    assert isinstance(field.target, ast.Name) and isinstance(below.value, ast.Constant)
                    found[field.target.id] = inspect.cleandoc(str(below.value.value))
    return {name: found[name] for name in model.model_fields if name in found}


def _models(place: str, model: Json, known: Json) -> Iterator[tuple[str, Json]]:
    """Yield every model of the config by its place, such as surveys.NAME.conditions.NAME, from the top down."""
    yield place, model
    for key, value in model["properties"].items():
        for suffix, inner in _inside(value, known):
            yield from _models(f"{place}.{key}{suffix}".lstrip("."), inner, known)


def _inside(value: Json, known: Json) -> Iterator[tuple[str, Json]]:
    if "$ref" in value:
        inner = known[value["$ref"].rsplit("/", 1)[1]]
        if "properties" in inner:
            yield "", inner
    for one in value.get("anyOf", []):
        yield from _inside(one, known)
    for key, step in (("additionalProperties", ".NAME"), ("items", "[]")):
        if isinstance(value.get(key), dict):
            yield from ((step + suffix, inner) for suffix, inner in _inside(value[key], known))


def _table(model: Json, known: Json) -> Iterator[str]:
    yield "| key | type | default | meaning |"
    yield "|---|---|---|---|"
    for key, value in model["properties"].items():
        meaning = value.get("description") or known[value["$ref"].rsplit("/", 1)[1]]["description"]
        cells = [f"`{key}`", _type(value, known), _default(key, value, model), meaning]
        yield f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |"


def _default(key: str, value: Json, model: Json) -> str:
    if key in model.get("required", []):
        return "required"
    return "see below" if "$ref" in value else f"`{json.dumps(value['default'], ensure_ascii=False)}`"


def _type(value: Json, known: Json) -> str:
    if "$ref" in value:
        inner = known[value["$ref"].rsplit("/", 1)[1]]
        return "section" if "properties" in inner else _type(inner, known)
    if "anyOf" in value:
        return " or ".join(dict.fromkeys(_type(one, known) for one in value["anyOf"]))
    if "enum" in value or "const" in value:
        return ", ".join(f"`{one}`" for one in value.get("enum") or [value["const"]])
    if value.get("type") == "array":
        inside = value.get("items") or (value.get("prefixItems") or [{}])[0]
        return f"list of {_type(inside, known)}"
    if value.get("type") == "object":
        inner = value.get("additionalProperties")
        return f"map of names to {_type(inner, known)}" if isinstance(inner, dict) else "map"
    kind: str = value.get("type", "any")
    words = "date" if value.get("format") == "date" else _WORDS.get(kind, kind)
    bounds = [f"{sign} {value[name]:g}" for name, sign in _BOUNDS.items() if name in value]
    return " ".join([words, ", ".join(bounds)]).strip()


def _tidy(node: Any, keep_required: bool) -> Any:
    """Return a schema without pydantic's titles, its descriptions on one line."""
    if isinstance(node, list):
        return [_tidy(one, keep_required) for one in node]
    if not isinstance(node, dict):
        return node
    tidy = {}
    for key, value in node.items():
        if (key == "title" and isinstance(value, str)) or (key == "required" and not keep_required):
            continue
        if key == "description" and isinstance(value, str):
            value = " ".join(value.replace("``", "`").split())
        key = "anyOf" if key == "oneOf" else key
        tidy[key] = value if key == "default" else _tidy(value, keep_required)
    return tidy
