"""How a script ends: a user's mistake in one line, a defect of ours with its traceback in the log."""

import errno
import logging
import re
import subprocess
import sys
import warnings
from pathlib import Path
from types import SimpleNamespace

import pandas as pd
import pytest

from stimmung.vocabulary.errors import InputError, Interrupted
from stimmung.workflow.job import job

POST = "Quillfeather slept badly"


@pytest.fixture
def snakemake(tmp_path):
    handlers, level = logging.root.handlers[:], logging.root.level
    yield SimpleNamespace(log=[str(tmp_path / "logs/read_survey/voters.log")], rule="read_survey")
    logging.captureWarnings(False)
    for handler in set(logging.root.handlers) - set(handlers):
        handler.close()
    logging.root.handlers[:] = handlers
    logging.root.setLevel(level)


def log_of(snakemake):
    with open(snakemake.log[0], encoding="utf-8") as log:  # noqa: PTH123
        return log.read()


def ended(snakemake, error, capsys):
    """Return what the terminal shows after ``error``."""
    with pytest.raises(SystemExit) as stop, job(snakemake):
        raise error
    assert stop.value.code == 1
    return capsys.readouterr().err


def test_a_user_s_mistake_is_one_line_and_a_hint_on_the_terminal_and_in_the_log(snakemake, capsys):
    shown = ended(snakemake, InputError("no column 'AGE'\nin a.csv", "Look at the codebook."), capsys)
    assert shown == "ERROR: no column 'AGE' in a.csv\nHint: Look at the codebook.\n"
    assert "ERROR: no column 'AGE' in a.csv\nHint: Look at the codebook." in log_of(snakemake)
    assert "Traceback" not in log_of(snakemake)


def test_a_mistake_without_a_hint_is_one_line(snakemake, capsys):
    assert ended(snakemake, InputError("no survey"), capsys) == "ERROR: no survey\n"


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT])
def test_a_full_disk_is_told_as_one(snakemake, number, capsys):
    shown = ended(snakemake, OSError(number, "No space left on device", "results/a.parquet"), capsys)
    assert shown.splitlines()[0] == "ERROR: no disk space left for results/a.parquet"
    assert "Free some space" in shown


def test_a_full_disk_is_told_as_one_by_libraries_with_errors_of_their_own(snakemake, capsys):
    from safetensors import SafetensorError

    error = SafetensorError("Error while serializing: I/O error: No space left on device (os error 28)")
    assert ended(snakemake, error, capsys).startswith("ERROR: no disk space left for the results folder\n")


def test_a_full_disk_beneath_another_error_is_told_as_one(snakemake, capsys):
    error = RuntimeError("cannot save")
    error.__cause__ = OSError(errno.ENOSPC, "No space left on device")
    assert ended(snakemake, error, capsys).startswith("ERROR: no disk space left")


def test_a_job_that_was_asked_to_stop_says_so_and_fails(snakemake, capsys):
    shown = ended(snakemake, Interrupted("stopped at step 7; the next run goes on from there"), capsys)
    assert shown == "STOPPED: stopped at step 7; the next run goes on from there\n"
    assert "STOPPED" in log_of(snakemake)


@pytest.mark.parametrize(
    "error", [KeyError("x"), OSError(errno.EACCES, "Permission denied", "a"), ValueError("y")]
)
def test_a_defect_of_ours_is_told_with_its_messages_if_one_asks_for_them(snakemake, monkeypatch, error):
    monkeypatch.setenv("STIMMUNG_SHOW_MESSAGES", "1")
    with pytest.raises(type(error)) as raised, job(snakemake):
        raise error
    assert raised.value is error
    assert "Traceback (most recent call last)" in log_of(snakemake)
    assert "test_job.py" in log_of(snakemake)


def test_a_defect_of_ours_is_one_line_on_the_terminal_and_its_stack_without_messages_in_the_log(
    snakemake, capsys, monkeypatch
):
    monkeypatch.delenv("STIMMUNG_SHOW_MESSAGES", raising=False)
    with pytest.raises(SystemExit) as stop, job(snakemake):
        pd.Series([POST]).astype(float)
    assert stop.value.code == 1
    error, hint = capsys.readouterr().err.splitlines()
    assert re.fullmatch(
        rf"ERROR: read_survey: unexpected ValueError in \S+\.pyx?:\d+; the traceback without its messages, which may quote "
        rf"data, is in {re.escape(snakemake.log[0])}",
        error,
    )
    assert hint.startswith("Hint: With STIMMUNG_SHOW_MESSAGES=1")
    said = log_of(snakemake)
    assert re.search(r'File ".*test_job\.py", line \d+, in test_a_defect', said) and "ValueError" in said
    assert POST not in said and error in said


def test_each_run_begins_its_log_anew_and_warnings_stand_in_it(snakemake, capsys):
    with job(snakemake):
        logging.getLogger("first").info("of the first run")
    with job(snakemake):
        logging.getLogger("second").info("of the second run")
        warnings.warn("a library warns", stacklevel=1)
    assert "of the second run" in log_of(snakemake) and "a library warns" in log_of(snakemake)
    assert "of the first run" not in log_of(snakemake)
    assert capsys.readouterr().err == ""


def test_a_script_that_ends_so_has_exit_code_1_and_no_traceback(tmp_path):
    code = (
        "from types import SimpleNamespace\n"
        "from stimmung.workflow.job import job\n"
        "from stimmung.vocabulary.errors import InputError\n"
        f"with job(SimpleNamespace(log=[{str(tmp_path / 'a.log')!r}], rule='a')):\n"
        "    raise InputError('wrong')\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stderr) == (1, "ERROR: wrong\n")


def test_what_stopped_attempts_wrote_is_kept_beside_the_log_that_snakemake_removes(snakemake):
    log = Path(snakemake.log[0])
    attempts = log.with_suffix(".attempts.log")
    for number in (1, 2):
        log.unlink(missing_ok=True)
        with pytest.raises(SystemExit), job(snakemake):
            raise Interrupted(f"stopped in attempt {number}")
    log.unlink()
    with job(snakemake):
        logging.getLogger("third").info("of the third attempt")
    assert [attempts.read_text().count(one) for one in ("in attempt 1", "in attempt 2", "of the third")] == [
        1,
        1,
        1,
    ]
    with pytest.raises(SystemExit), job(snakemake):
        raise InputError("wrong in another run")
    assert not attempts.exists(), "one attempt is one log"
