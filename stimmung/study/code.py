"""A digest of the code that a rule runs, so that an edit to it reruns the rule, and no other rule.

Snakemake notices neither an edit in a library nor that an edit changed only a comment. This notices what a script imports,
room by room, and reads the syntax tree without comments and docstrings. Of a template or a word list every byte counts.
"""

import ast
import hashlib
from functools import cache
from pathlib import Path

PACKAGE = "stimmung"


def code_digest(script: Path, root: Path = Path()) -> str:
    """Return a digest of a script and of all rooms that it needs, directly or through another room.

    The room `study` is taken file by file: a script reads its config through it, and a new key there is no reason to
    train anything again.

    Parameters
    ----------
    script
        The script of a rule.
    root
        The folder that holds ``stimmung/``.
    """
    todo, rooms = [script], set()
    files = {script}
    while todo:
        for name in _imports(todo.pop()):
            _, room, *_ = [*name.split("."), ""]
            if room == "study":
                found = {root / Path(*name.split(".")).with_suffix(".py")} - files
            elif room and room not in rooms:
                rooms.add(room)
                # Templates and word lists count too: they decide what comes out as much as code does.
                found = {path for path in (root / PACKAGE / room).glob("[!.]*") if path.is_file()} - files
            else:
                continue
            files |= found
            todo += sorted(path for path in found if path.suffix == ".py")
    digest = hashlib.sha256()
    for file in sorted(files):
        digest.update(f"{file.name}:{_meaning(file)}".encode())
    return digest.hexdigest()[:16]


def _imports(file: Path) -> tuple[str, ...]:
    """Return the modules of this package that a file imports."""
    return _read(file)[0]


def _meaning(file: Path) -> str:
    """Return what a file does: its syntax tree without comments and docstrings; of other files, their bytes' digest."""
    return _read(file)[1]


@cache
def _read(file: Path) -> tuple[tuple[str, ...], str]:
    """Read a file once, however many rules need it: this is done at the start of every job."""
    if file.suffix != ".py":
        return (), hashlib.sha256(file.read_bytes()).hexdigest()
    tree = ast.parse(file.read_text(encoding="utf-8"))
    names = []
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module:
            names += [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
        elif isinstance(node, ast.Import):
            names += [alias.name for alias in node.names]
        elif isinstance(
            node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef
        ) and ast.get_docstring(node):
            node.body = node.body[1:]
    ours = tuple(name for name in names if name.startswith(f"{PACKAGE}.") and _is_module(name))
    return ours, ast.dump(tree)


def _is_module(name: str) -> bool:
    # `from stimmung.engine import checkpoints` names a module, `from stimmung.engine.base import load_base` a function.
    return len(name.split(".")) == 3 and name.split(".")[2].islower()
