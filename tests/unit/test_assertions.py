"""A test whose only assertions stand in a loop over what a search finds passes where the search finds nothing."""

import ast
from pathlib import Path

import pytest

TESTS = Path(__file__).parents[1]
FILES = sorted(TESTS.rglob("test_*.py"))
SEARCHES = {"glob", "rglob", "iterdir", "findall", "finditer"}


def searches(node, found=()):
    """Return whether an expression searches, or uses a name to which a search's result was given, and may thus be empty."""
    if isinstance(node, ast.List | ast.Tuple) and any(not isinstance(one, ast.Starred) for one in node.elts):
        return False
    return any(
        (isinstance(part, ast.Attribute) and part.attr in SEARCHES)
        or (isinstance(part, ast.Name) and part.id in found)
        for part in ast.walk(node)
    )


def names_of_searches(statements):
    return {
        target.id
        for statement in statements
        if isinstance(statement, ast.Assign) and searches(statement.value)
        for target in statement.targets
        if isinstance(target, ast.Name)
    }


def unguarded(tree):
    """Return the tests of a module that assert nothing if a search finds nothing."""
    of_the_module = names_of_searches(tree.body)
    for test in ast.walk(tree):
        if not (isinstance(test, ast.FunctionDef) and test.name.startswith("test_")):
            continue
        found = of_the_module | names_of_searches(ast.walk(test))
        loops = [node for node in ast.walk(test) if isinstance(node, ast.For) and searches(node.iter, found)]
        within = {id(part) for loop in loops for part in ast.walk(loop)}
        every = [node for node in ast.walk(test) if isinstance(node, ast.Assert)]
        if every and all(id(node) in within for node in every):
            yield test.name


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("for path in folder.glob('*'):\n        assert path", ["test_it"]),
        ("paths = folder.glob('*')\n    for path in paths:\n        assert path", ["test_it"]),
        ("paths = folder.glob('*')\n    assert paths\n    for path in paths:\n        assert path", []),
        ("for path in [folder, *folder.glob('*')]:\n        assert path", []),
        ("for number in (1, 2):\n        assert number", []),
    ],
)
def test_a_loop_over_a_search_needs_an_assertion_outside_it(code, expected):
    assert list(unguarded(ast.parse(f"def test_it(folder):\n    {code}"))) == expected


def test_no_test_passes_because_a_search_found_nothing():
    assert len(FILES) > 50
    found = [
        f"{file.relative_to(TESTS)}: {name}"
        for file in FILES
        for name in unguarded(ast.parse(file.read_text(encoding="utf-8")))
    ]
    assert found == []
