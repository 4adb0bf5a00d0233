"""Whether tables for papers compile, where there is a LaTeX to try it with."""

import shutil
import subprocess
from collections.abc import Iterable
from pathlib import Path

import pytest


def compiled(tables: Iterable[Path], folder: Path) -> bytes:
    """Return what pdflatex says of a paper that inputs the tables. Without pdflatex the test is skipped."""
    if shutil.which("pdflatex") is None:
        pytest.skip("no pdflatex on this machine")
    if subprocess.run(["kpsewhich", "adjustbox.sty"], capture_output=True).returncode:
        pytest.skip("no adjustbox.sty on this machine")
    inputs = "".join(rf"\input{{{path}}}" for path in tables)
    source = rf"""\documentclass{{article}}\usepackage[utf8]{{inputenc}}
\usepackage{{booktabs,adjustbox}}\begin{{document}}{inputs}\end{{document}}"""
    (folder / "paper.tex").write_text(source, encoding="utf-8")
    command = ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", "paper.tex"]
    done = subprocess.run(command, cwd=folder, capture_output=True)
    assert done.returncode == 0, done.stdout[-2000:].decode("utf-8", errors="replace")
    return done.stdout
