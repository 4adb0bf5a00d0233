"""What a run was made with: the state of the code, and the versions of all software."""

import importlib.metadata
import platform
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import yaml

import stimmung


def study_title(title: str, files: Sequence[Path]) -> str:
    """Return the heading of the report: the config's ``title``, or the name of a study's file that gives none.

    What such a study inherits from config.yaml is the title of the demo. ``files`` are all files of the config.
    """
    own = [file for file in files if file.name != "config.yaml"]
    reports = [(yaml.safe_load(file.read_text(encoding="utf-8")) or {}).get("report") or {} for file in own]
    return f"Stimmung: {own[-1].stem}" if own and not any("title" in one for one in reports) else title


def git_state(root: Path) -> dict[str, Any]:
    """Return the commit of the working tree at ``root``, its date, and whether files differ from it; None without git."""
    revision = _git(root, "rev-parse", "HEAD")
    if revision is None:
        return {"revision": None, "date": None, "dirty": None}
    return {
        "revision": revision,
        "date": _git(root, "log", "-1", "--format=%cs"),
        "dirty": _git(root, "status", "--porcelain") != "",
    }


def software() -> dict[str, Any]:
    """Return the versions of Stimmung, of Python, of the platform, and of every installed package."""
    found = {(one.metadata["Name"] or "").lower(): one.version for one in importlib.metadata.distributions()}
    return {
        "stimmung": stimmung.__version__,
        "python": platform.python_version(),
        "platform": platform.platform(),
        "packages": {name: found[name] for name in sorted(found) if name},
    }


def _git(root: Path, *arguments: str) -> str | None:
    try:
        done = subprocess.run(
            ["git", "-C", str(root), *arguments], capture_output=True, text=True, check=True, timeout=60
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout.strip()
