"""Stacked data as files that R's mice, mitools and survey and Stata's `mi` read, with a readme that has the commands."""

import re
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from pandas.io.stata import StataParser

from stimmung.evaluation.estimates.multiple_imputation import IMP, PROPER
from stimmung.vocabulary.atomic_files import atomic_write, write_atomic

README = Path(__file__).with_name("stacked_readme.txt")
STATA_NAME_LENGTH = 32


def write_stacked(
    stacked: pd.DataFrame,
    *,
    csv: Path,
    dta: Path,
    readme: Path,
    title: str,
    target: str,
    method: str,
    condition: str,
    in_words: str,
    uncertainty: str,
    simulated: bool,
) -> None:
    """Write what :func:`stacked_data` returns as csv, as a Stata file, and a readme; ``in_words`` says what the condition does."""
    write_atomic(csv, stacked.to_csv(index=False, lineterminator="\n"))
    names = stata_names([str(name) for name in stacked.columns])
    for_stata = stacked.rename(columns=names)
    for name in for_stata.select_dtypes("bool"):
        for_stata[name] = for_stata[name].astype(np.int8)
    with atomic_write(dta) as draft:
        # 118: Stata 14, the first whose texts are Unicode.
        for_stata.to_stata(draft, write_index=False, version=118, data_label=_within(title, 80))
    changed = [f"`{name}` is `{new}`" for name, new in names.items() if new != name and name != IMP]
    warning = "**The respondents are simulated. Nothing here is a finding.**\n\n" if simulated else ""
    gaps = stacked.loc[stacked[IMP] == 0, target].isna()
    write_atomic(
        readme,
        README.read_text(encoding="utf-8").format(
            title=title,
            warning=warning
            if gaps.any()
            else f"{warning}**Everybody's answer is known: nothing is imputed.**\n\n",
            target=target,
            stata_target=names[target],
            r_target=_r_name(target),
            method=method,
            condition=condition,
            in_words=in_words,
            proper=PROPER[uncertainty],
            n_respondents=len(gaps),
            n_imputed=int(gaps.sum()),
            m=int(stacked[IMP].max()),
            levels=", ".join(f'"{level}"' for level in stacked[target].cat.categories),
            renamed=f"Stata allows no such names as these: {', '.join(changed)}.\n" if changed else "",
        ),
    )


def stata_names(names: list[str]) -> dict[str, str]:
    """Return a name that Stata accepts for each column: letters, digits and underscores, at most 32, not reserved, no two alike."""
    found: dict[str, str] = {}
    parser: Any = StataParser()  # whose list of reserved words is not in the types
    for name in names:
        plain = re.sub(r"\W", "_", name, flags=re.ASCII).strip("_") or "item"
        # Reserved as `class` is, which is the name of an item in many surveys.
        plain = f"v{plain}" if not plain[0].isalpha() or plain in parser.RESERVED_WORDS else plain
        plain, number = plain[:STATA_NAME_LENGTH], 1
        # Stata's names differ by case, but pandas and people do not.
        while plain.casefold() in {one.casefold() for one in found.values()}:
            number += 1
            plain = f"{plain[: STATA_NAME_LENGTH - 4]}_{number}"
        found[name] = plain
    return found


def _r_name(name: str) -> str:
    """Return the name that R's read.csv gives a column; mice fails at names with spaces, so that they cannot be kept."""
    plain = re.sub(r"[^\w.]", ".", name)
    return plain if re.match(r"[^\W\d_]|\.(?!\d)", plain) else f"X{plain}"


def _within(text: str, n: int) -> str:
    return text if len(text) <= n else text[: n - 1] + "…"
