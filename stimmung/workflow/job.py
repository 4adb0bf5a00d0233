"""What every script does around its function: a log file, and one line for a user's mistake."""

import errno
import logging
import os
import socket
import sys
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from stimmung.vocabulary.errors import InputError, Interrupted
from stimmung.vocabulary.redacted_traceback import kind_of, place_of, redacted_traceback

BEGINS, ENDED = "begins: process ", "ended"
FULL_DISK = (errno.ENOSPC, errno.EDQUOT)


@contextmanager
def job(snakemake: Any) -> Iterator[None]:
    """Run the body of a script with its log open; of the object that Snakemake gives a script, only log and rule are used.

    An InputError, and a disk that is full, ends the job with ``ERROR: …`` and a hint, on the terminal and in the log. Any
    other exception is a defect of ours, told in the same way. Where it came from goes to the log; its message does not,
    for it may quote data, unless the environment variable STIMMUNG_SHOW_MESSAGES is 1. Snakemake removes the outputs of a
    failed job.
    """
    log = Path(snakemake.log[0])
    log.parent.mkdir(parents=True, exist_ok=True)
    # Snakemake removes the log before each attempt. What killed and stopped ones wrote is kept beside it: when, where
    # and how far they came stands nowhere else.
    attempts = log.with_suffix(".attempts.log")
    logging.basicConfig(
        handlers=[
            logging.FileHandler(log, mode="w", encoding="utf-8"),
            logging.FileHandler(attempts, mode="w" if _has_ended(attempts) else "a", encoding="utf-8"),
        ],
        level=logging.INFO,
        format="%(asctime)s %(levelname)s %(name)s: %(message)s",
        force=True,
    )
    # Libraries warn through `warnings`; a warning belongs in the log, not on the user's terminal.
    logging.captureWarnings(True)
    logger = logging.getLogger(snakemake.rule)
    number = os.environ.get("SLURM_JOB_ID")
    of_slurm = f", Slurm job {number}" if number else ""
    logger.info(BEGINS + "%d on %s%s", os.getpid(), socket.gethostname(), of_slurm)
    message, ended = "", False
    try:
        yield
        ended = True
    except InputError as error:
        message, ended = str(error), True
    except Interrupted as error:
        message = f"STOPPED: {error}"
    except Exception as error:
        told = _told_of_defect(logger.name, error, log)
        if _is_full_disk(error):
            place = getattr(error, "filename", None) or "the results folder"
            told = InputError(f"no disk space left for {place}", "Free some space and run snakemake again.")
        elif os.environ.get("STIMMUNG_SHOW_MESSAGES") == "1":
            logger.error(traceback.format_exc())
            raise
        else:
            logger.error(
                "unexpected, from the outermost call to the innermost:\n%s", redacted_traceback(error)
            )
        message = str(told)
    if message:
        logger.error(message)
    if ended:
        logger.info(ENDED)
        # No further attempt continues this one; of a job that needed one only, the log is enough.
        if attempts.read_text(encoding="utf-8").count(BEGINS) == 1:
            attempts.unlink()
    if message:
        print(message, file=sys.stderr)
        raise SystemExit(1)


def _has_ended(attempts: Path) -> bool:
    return attempts.exists() and attempts.read_text(encoding="utf-8").rstrip().endswith(f": {ENDED}")


def _is_full_disk(error: BaseException | None) -> bool:
    # safetensors and arrow have errors of their own for it, which carry the system's words but not always its number.
    while error is not None:
        if getattr(error, "errno", None) in FULL_DISK or os.strerror(errno.ENOSPC) in str(error):
            return True
        error = error.__cause__ or error.__context__
    return False


def _told_of_defect(rule: str, error: Exception, log: Path) -> InputError:
    return InputError(
        f"{rule}: unexpected {kind_of(error)} in {place_of(error, Path(__file__))}; "
        f"the traceback without its messages, which may quote data, is in {log}",
        "With STIMMUNG_SHOW_MESSAGES=1 before the command they are shown: read them before you send them to anybody.",
    )
