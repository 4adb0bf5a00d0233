import shutil
import subprocess

import pandas as pd
import pytest

from tests.synthetic_votes import VOTES_FOR_READERS


def test_every_table_is_there_for_programs_and_for_papers(votes_study):
    for name in VOTES_FOR_READERS:
        frame = pd.read_csv(votes_study.for_readers[f"{name}_csv"])
        assert len(frame) and set(frame["data"]) == {"simulated"}, name
        latex = votes_study.for_readers[f"{name}_tex"].read_text(encoding="utf-8")
        assert r"\toprule" in latex and "Simulated data." in latex and rf"\label{{tab:{name}}}" in latex


def test_csv_holds_the_numbers_of_the_tables(votes_study):
    metrics = pd.read_parquet(votes_study.tables["metrics"])
    written = pd.read_csv(votes_study.for_readers["metrics_csv"])
    assert written["value"].to_numpy() == pytest.approx(metrics["value"].to_numpy(), rel=1e-5)
    assert list(written["option"].fillna("")) == list(metrics["option"].fillna(""))
    f1 = pd.read_csv(votes_study.for_readers["f1_csv"])
    assert set(f1["metric"]) == {"f1", "macro_f1"}


def test_no_respondent_is_in_a_table(votes_study):
    for path in votes_study.for_readers.values():
        assert "respondent-0" not in path.read_text(encoding="utf-8")


def test_latex_compiles(votes_study, tmp_path):
    if shutil.which("pdflatex") is None:
        pytest.skip("no pdflatex on this machine")
    if subprocess.run(["kpsewhich", "adjustbox.sty"], capture_output=True).returncode:
        pytest.skip("no adjustbox.sty on this machine")
    inputs = "".join(
        rf"\input{{{path}}}" for name, path in votes_study.for_readers.items() if name.endswith("_tex")
    )
    source = rf"""\documentclass{{article}}\usepackage[utf8]{{inputenc}}
\usepackage{{booktabs,adjustbox}}\begin{{document}}{inputs}\end{{document}}"""
    (tmp_path / "paper.tex").write_text(source, encoding="utf-8")
    done = subprocess.run(
        ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", "paper.tex"],
        cwd=tmp_path,
        capture_output=True,
    )
    assert done.returncode == 0, done.stdout[-2000:].decode("utf-8", errors="replace")
    assert b"Overfull" not in done.stdout
