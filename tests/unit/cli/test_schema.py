"""What editors and readers are told of the config is what the models say now."""

import json
from pathlib import Path

import jsonschema
import pytest
import yaml

from stimmung.cli.main import main
from stimmung.cli.schema import PAGE, SCHEMA, config_schema, configuration_page, field_descriptions
from stimmung.vocabulary.strict import Strict

ROOT = Path(__file__).parents[3]


def test_the_schema_and_the_page_are_current(tmp_path, capsys):
    (tmp_path / "docs").mkdir()
    assert main(["schema", str(tmp_path)]) == 0
    assert len(capsys.readouterr().out.splitlines()) == 2
    for name in (SCHEMA, PAGE):
        assert (tmp_path / name).read_text() == (ROOT / name).read_text(), "run: stimmung schema"


def below(model):
    for one in model.__subclasses__():
        yield one
        yield from below(one)


def test_every_key_has_a_type_and_a_meaning():
    silent = [
        f"{model.__name__}.{name}"
        for model in below(Strict)
        if model.__module__.startswith("stimmung.")
        for name in model.model_fields
        if name not in field_descriptions(model)
    ]
    assert silent == []
    rows = [line for line in configuration_page().splitlines() if line.startswith("| `")]
    assert len(rows) > 100
    assert [row for row in rows if row.endswith("|  |") or " | any" in row] == []


FILES = ["config.yaml", *(f"studies/{path.name}" for path in sorted(ROOT.glob("studies/*.yaml")))]


@pytest.mark.parametrize("name", FILES)
def test_editors_find_the_schema_and_it_accepts_what_the_study_accepts(name):
    path = ROOT / name
    text = path.read_text(encoding="utf-8")
    said = text.splitlines()[0].removeprefix("# yaml-language-server: $schema=")
    assert (path.parent / said).resolve() == ROOT / SCHEMA
    content = json.loads(json.dumps(yaml.safe_load(text), default=str))
    validator = jsonschema.Draft202012Validator(config_schema())
    assert [error.message for error in validator.iter_errors(content)] == []
    assert list(validator.iter_errors({**content, "fold": 5}))
