from pathlib import Path

import pytest

BENCHMARKS = Path(__file__).parents[3] / "benchmarks"


@pytest.fixture
def benchmarks(monkeypatch):
    """Let a test import the files of benchmarks/."""
    monkeypatch.syspath_prepend(str(BENCHMARKS))
