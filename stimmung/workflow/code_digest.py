"""A digest of the code that a rule runs, so that an edit to it reruns the rule, and no other rule.

Snakemake notices neither an edit in a library nor that an edit changed only a comment. This reads syntax trees without comments.
"""

import ast
import hashlib
from collections.abc import Collection, Iterable, Iterator
from functools import cache
from pathlib import Path

PACKAGE = "stimmung"
_WITH_DOCSTRING = ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef


def code_digest(script: Path, root: Path = Path(), without: Collection[str] = ()) -> str:
    """Return a digest of a rule's script and of all files that it needs of ``stimmung/``, which is in ``root``.

    ``without`` names files that are imported but cannot change what the rule makes, such as the style of figures of a rule that
    draws none. What only they import is left out with them.
    """
    digest = hashlib.sha256()
    for file in code_files(script, root, without):
        digest.update(f"{file.name}:{_read(file)[1]}".encode())
    return digest.hexdigest()[:16]


def code_files(script: Path, root: Path = Path(), without: Collection[str] = ()) -> list[Path]:
    """Return a script, the modules of the library that it needs, and what is no code in their folders; no ``__init__.py``."""
    todo, files = [script], {script}
    while todo:
        found = {file for name in _read(todo.pop())[0] for file in _files_of(name, root)} - files
        found = {file for file in found if file.name not in without}
        files |= found
        todo += sorted(found)
    return sorted(files)


@cache
def _files_of(name: str, root: Path) -> frozenset[Path]:
    """Return the file of a module, and the templates and word lists beside it: they decide what comes out as code does."""
    # `from stimmung.engine import checkpoints` names a module, `from stimmung.engine.base.base_model import load_base` a function,
    # and `import stimmung.report.votes`, here with .*, all modules of a package.
    file = Path(*name.split(".")).with_suffix(".py")
    modules = root.glob(str(file)) if name.endswith("*") else filter(Path.is_file, [root / file])
    return frozenset({file for module in modules for file in (module, *_no_code(module.parent))})


@cache
def _no_code(folder: Path) -> list[Path]:
    return [path for path in folder.glob("[!.]*") if path.is_file() and path.suffix != ".py"]


@cache
def _read(file: Path) -> tuple[tuple[str, ...], str]:
    """Return the names of this package that a file imports, and its syntax tree without docstrings, or its bytes' digest."""
    if file.suffix != ".py":
        return (), hashlib.sha256(file.read_bytes()).hexdigest()
    tree = ast.parse(file.read_text(encoding="utf-8"))
    names = []
    for node in (tree, *_statements(tree.body)):
        if isinstance(node, ast.ImportFrom) and node.module:
            names += [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
        elif isinstance(node, ast.Import):
            names += [name for alias in node.names for name in (alias.name, f"{alias.name}.*")]
        elif isinstance(node, _WITH_DOCSTRING) and ast.get_docstring(node, clean=False):
            node.body = node.body[1:]
    ours = tuple(dict.fromkeys(name for name in names if name.startswith(f"{PACKAGE}.")))
    return ours, ast.dump(tree)


def _statements(body: Iterable[ast.AST]) -> Iterator[ast.AST]:
    """Return all statements, those within others too, without their expressions: most of a tree, and no import stands there."""
    for statement in body:
        yield statement
        for name in ("body", "orelse", "finalbody", "handlers", "cases"):
            yield from _statements(getattr(statement, name, ()))
