import csv
import subprocess
import sys
import time

import pytest

from stimmung.report.costs import costs_of
from stimmung.workflow.measured import measured


def rows(file):
    with file.open(newline="") as lines:
        return list(csv.DictReader(lines, delimiter="\t"))


def test_it_is_read_as_a_benchmark_file_is(tmp_path):
    with measured(tmp_path / "prepare_model/a.tsv"):
        sum(number * number for number in range(300_000))
    (row,) = rows(tmp_path / "prepare_model/a.tsv")
    cost = costs_of(tmp_path, {"a"}, [])["rules"]["prepare_model"]
    assert cost["jobs"] == 1
    assert cost["wall_hours"] == pytest.approx(float(row["s"]) / 3600, abs=1e-5)
    assert cost["cpu_hours"] == pytest.approx(float(row["cpu_time"]) / 3600, abs=1e-5)
    assert cost["peak_memory_mb"] == pytest.approx(float(row["max_rss"]), abs=1)


def test_it_counts_the_whole_process_as_snakemake_would(tmp_path):
    psutil = pytest.importorskip("psutil")
    code = f"""
import time
time.sleep(1)
held = bytearray(200 * 2**20)
from pathlib import Path
from stimmung.workflow.measured import measured
with measured(Path({str(tmp_path / "a.tsv")!r})):
    began = time.process_time()
    while time.process_time() - began < 0.5: pass
"""
    # The memory of who begins it does not count.
    large = bytearray(b"1") * (1200 * 2**20)
    began = time.monotonic()
    subprocess.run([sys.executable, "-c", code], check=True)
    took = time.monotonic() - began
    del large
    (row,) = rows(tmp_path / "a.tsv")
    assert 1.5 <= float(row["s"]) <= took + 0.1
    assert 0.5 <= float(row["cpu_time"]) <= float(row["s"]) + 0.1
    assert 200 <= float(row["max_rss"]) < 1000
    # The age of a process by another way.
    with measured(tmp_path / "b.tsv"):
        age = time.time() - psutil.Process().create_time()
    assert float(rows(tmp_path / "b.tsv")[0]["s"]) == pytest.approx(age, abs=2)


def test_it_counts_the_processes_that_the_job_started(tmp_path):
    busy = "import time; held = bytearray(900 * 2**20)\nwhile time.process_time() < 0.5: pass"
    with measured(tmp_path / "a.tsv"):
        before = time.process_time()
        subprocess.run([sys.executable, "-c", busy], check=True)
    (row,) = rows(tmp_path / "a.tsv")
    assert float(row["cpu_time"]) >= before + 0.5 and float(row["max_rss"]) >= 900


def test_a_job_that_fails_has_cost_nothing_that_counts(tmp_path):
    def fail():
        with measured(tmp_path / "a.tsv"):
            raise ValueError

    with pytest.raises(ValueError):
        fail()
    assert list(tmp_path.iterdir()) == []
