"""A script's function gets what its rule gives, by name, as its annotations say; a mismatch is an error."""

from collections.abc import Mapping
from pathlib import Path
from types import SimpleNamespace

import pytest

from stimmung.vocabulary.scoring import Scoring
from stimmung.vocabulary.weeks import Weeks
from stimmung.workflow.run import arguments_of, mismatch


class Named(list):
    """Snakemake's list whose members have names."""

    def __init__(self, **named):
        super().__init__(named.values())
        self.named = named

    def items(self):
        return self.named.items()


def rule(**sections):
    given = {name: Named(**sections.get(name, {})) for name in ("input", "output", "params")}
    return SimpleNamespace(rule="example", threads=2, **given)


def example(
    *,
    table: Path,
    parts: list[Path],
    result: Path,
    seed: int,
    scoring: Scoring,
    weeks: Weeks | None,
    grids: Mapping[str, list[float]],
    threads: int,
) -> None:
    """Take one of each kind."""


def sections(**params):
    return {
        "input": {"table": "a.parquet", "parts": Named(first="b", second="c"), "after": "d"},
        "output": {"result": "e.parquet"},
        "params": {
            "seed": "24",
            "scoring": {"normalization": "byte"},
            "weeks": None,
            "grids": {"C": [1]},
            "code": "x",
        }
        | params,
    }


def test_values_become_what_the_annotations_say():
    given = arguments_of(example, rule(**sections()))
    assert given == {
        "table": Path("a.parquet"),
        "parts": [Path("b"), Path("c")],
        "result": Path("e.parquet"),
        "seed": 24,
        "scoring": Scoring(normalization="byte"),
        "weeks": None,
        "grids": {"C": [1.0]},
        "threads": 2,
    }


def test_a_value_that_does_not_fit_is_an_error_that_names_the_parameter_and_not_the_value():
    with pytest.raises(TypeError, match=r"^seed: ") as error:
        arguments_of(example, rule(**sections(seed="secret")))
    assert "secret" not in str(error.value)


@pytest.mark.parametrize(
    ("params", "told"),
    [({"extra": 1}, "the function has no extra"), ({"table": "f"}, "gives table more than once")],
)
def test_names_that_do_not_fit_are_an_error(params, told):
    with pytest.raises(TypeError, match=told):
        arguments_of(example, rule(**sections(**params)))


def test_what_the_rule_lacks_is_named():
    assert (
        mismatch(example, ["table", "parts", "result", "seed", "scoring", "weeks", "code", "threads"])
        == "the rule lacks grids"
    )
