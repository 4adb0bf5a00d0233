"""Made-up surveys of all kinds: what the respondents said, how a codebook describes it, and files that hold it."""

import csv
from dataclasses import dataclass

import openpyxl
import pandas as pd
import pyreadstat
from hypothesis import strategies as st

from stimmung.data.surveys.survey_codes import code_key

REASONS = ["refused", "dont-know", "not-applicable", "filter", "no-answer"]
# Letters of many scripts, quotes, separators of csv files, signs that LaTeX, HTML and YAML read otherwise; no control characters.
WORDS = st.text(
    st.sampled_from("abcXYZ 0189,;'\"’“„-–:#&%$<>|@*!?[]äöüßéñçøłŁşğЖя公明党العر😀\\/"),
    min_size=1,
    max_size=20,
).map(str.strip)
PLAIN_WORDS = st.text(st.sampled_from("abcdefgXYZ"), min_size=1, max_size=12)
# csv readers take these as an empty cell, as documented.
NO_CODE = {"", "NA"}
LABELLED = ("sav", "zsav", "dta")
KINDS = ("csv", "semicolon.csv", "utf-16.csv", "cp1252.csv", "bom.csv", "parquet", "xlsx", *LABELLED)


@dataclass(frozen=True)
class Item:
    """One item: the codes of its options and missing answers, and what each respondent said (an index, or None)."""

    scale: str
    codes: list
    labels: list[str]
    missing: list[tuple]  # code, reason
    answers: (
        list  # an index into codes, ("missing", index), a number of a numeric item, or None for an empty cell
    )

    def cell(self, answer):
        if answer is None:
            return None
        if isinstance(answer, tuple):
            return self.missing[answer[1]][0]
        return answer if self.scale == "numeric" else self.codes[answer]

    def said(self, answer):
        if answer is None or isinstance(answer, tuple):
            return None
        return float(answer) if self.scale == "numeric" else self.labels[answer]

    def reason(self, answer):
        if not self.missing or not (answer is None or isinstance(answer, tuple)):
            return None
        return "no-answer" if answer is None else self.missing[answer[1]][1]


def codes_of(kind, style):
    """Return a strategy for codes as this kind of file can hold them."""
    if style == "whole":
        # SPSS, Stata and Excel hold numbers as float64: beyond 2 ** 53 the writer of the file would round them.
        most = 2**31 - 100 if kind == "dta" else 10**15 if kind in (*LABELLED, "xlsx") else 10**18
        return st.integers(-999, 999) | st.integers(-most, most)
    if style == "decimal":
        return st.integers(-9999, 9999).map(lambda number: number / 10)
    return WORDS.filter(lambda word: word not in NO_CODE and len(word.encode()) < 200)


@st.composite
def items(draw, kind, n, *, target=False, plain=False):
    scale = draw(st.sampled_from(["nominal", "ordinal"] + ([] if target else ["numeric"])))
    style = draw(st.sampled_from(["whole"] if plain else ["whole", "decimal", "text"]))
    if scale == "numeric" and style == "text":
        style = "whole"
    drawn = draw(
        st.lists(codes_of(kind, style), min_size=3, max_size=8, unique_by=code_key).filter(
            lambda codes: all(code_key(code) is not None for code in codes)
        )
    )
    n_missing = draw(st.integers(0, len(drawn) - 2))
    codes, absent = drawn[n_missing:], drawn[:n_missing]
    missing = [(code, draw(st.sampled_from(REASONS))) for code in absent]
    words = PLAIN_WORDS if plain else WORDS.filter(bool)
    labels = draw(st.lists(words, min_size=len(codes), max_size=len(codes), unique=True))
    if scale == "numeric":
        given = st.sampled_from(codes)
        codes, labels = [], []
    else:
        given = st.integers(0, len(codes) - 1)
    other = [st.just(("missing", index)) for index in range(len(missing))] + [st.none()]
    answers = draw(st.lists(st.one_of(given, *other), min_size=n, max_size=n))
    if target:
        answers[:2] = [0, 1]  # a target needs two answers
    return Item(scale, codes, labels, missing, answers)


@st.composite
def surveys(draw, kinds=KINDS, *, plain=False):
    """Draw the kind of file, the items by name (the target is the last) and the respondents' identifiers or None."""
    kind = draw(st.sampled_from(kinds))
    n = draw(st.integers(2, 12))
    names = [f"item_{number}" for number in range(draw(st.integers(1, 4)))]
    content = {name: draw(items(kind, n, plain=plain)) for name in names}
    content["vote"] = draw(items(kind, n, target=True, plain=plain))
    if kind == "xlsx":
        content["vote"].answers[-1] = 1  # a last row without any cell is not in the file
    identifier = (
        st.integers(10**16, 10**18 - 1).map(str) | st.integers(0, 10**6) | st.sampled_from(["007", "a 1"])
    )
    ids = draw(st.none() | st.lists(identifier, min_size=n, max_size=n, unique_by=code_key))
    return kind, content, ids


def codebook_of(content, ids):
    """Return the codebook of a drawn survey, as plain values for YAML."""
    return {
        "title": "made up",
        "source": "made up",
        "simulated": True,
        "instruction": "One of: {options}",
        "question": "Vote:",
        "target": "vote",
        **({"respondent_id": "person"} if ids else {}),
        "items": {
            name: {
                "column": name,
                "wording": name,
                "scale": item.scale,
                **(
                    {}
                    if item.scale == "numeric"
                    else {
                        "options": [
                            {"code": code, "label": label}
                            for code, label in zip(item.codes, item.labels, strict=True)
                        ]
                    }
                ),
                **({"missing": missing_of(item)} if item.missing else {}),
            }
            for name, item in content.items()
        },
    }


def missing_of(item):
    by_reason = {}
    for code, reason in item.missing:
        by_reason.setdefault(reason, []).append(code)
    return [{"code": codes, "reason": reason} for reason, codes in by_reason.items()]


def write_survey(folder, kind, content, ids):
    """Write the survey as this kind of file and return its path."""
    columns = {name: [item.cell(answer) for answer in item.answers] for name, item in content.items()}
    if ids:
        as_text = any(isinstance(one, str) for one in ids) and not kind.endswith("csv")
        columns["person"] = [str(one) for one in ids] if as_text else ids
    path = folder / f"survey.{kind}"
    if kind.endswith("csv"):
        path = folder / "survey.csv"
        write_csv(path, columns, kind)
    elif kind == "xlsx":
        book = openpyxl.Workbook()
        for row in [list(columns), *zip(*columns.values(), strict=True)]:
            book.active.append(list(row))
            for cell in book.active[book.active.max_row]:
                if isinstance(cell.value, str):
                    cell.data_type = "s"  # a word that begins with = is no formula
        book.save(path)
    elif kind == "parquet":
        frame_of(columns).to_parquet(path)
    else:
        write = pyreadstat.write_dta if kind == "dta" else pyreadstat.write_sav
        options = {} if kind == "dta" else {"compress": kind == "zsav"}
        # In Stata an empty text is an absent one; pyreadstat writes None as such.
        write(frame_of(columns, labelled=True), str(path), **options)
    return path


def write_csv(path, columns, kind):
    encodings = {"utf-16.csv": "utf-16", "cp1252.csv": "cp1252", "bom.csv": "utf-8-sig"}
    with path.open("w", newline="", encoding=encodings.get(kind, "utf-8")) as stream:
        writer = csv.writer(stream, delimiter=";" if kind == "semicolon.csv" else ",")
        writer.writerow(columns)
        writer.writerows(
            zip(
                *(["" if cell is None else cell for cell in cells] for cells in columns.values()), strict=True
            )
        )


def frame_of(columns, labelled=False):
    frame = {}
    for name, cells in columns.items():
        present = [cell for cell in cells if cell is not None]
        if any(isinstance(cell, str) for cell in present):
            frame[name] = pd.Series(cells, dtype=object)
        elif labelled or any(isinstance(cell, float) for cell in present):
            frame[name] = pd.Series([float("nan") if cell is None else cell for cell in cells], dtype=float)
        else:
            frame[name] = pd.Series(cells, dtype="Int64")
    return pd.DataFrame(frame)


def is_ambiguous(kind, content):
    """Whether the words cannot be written in cp1252, or happen to be UTF-8 when they are."""
    if kind != "cp1252.csv":
        return False
    text = " ".join(str(item.cell(answer)) for item in content.values() for answer in item.answers)
    try:
        written = text.encode("cp1252")
    except UnicodeEncodeError:
        return True
    try:
        written.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return not text.isascii()
