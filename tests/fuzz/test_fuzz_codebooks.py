from pathlib import Path
from tempfile import TemporaryDirectory

import yaml
from hypothesis import assume, given
from hypothesis import strategies as st

from stimmung.study.reading import load_codebook
from tests.fuzz.budget import BUDGET, attempt
from tests.fuzz.survey_content import WORDS, codebook_of, surveys

SCALARS = (
    st.none()
    | st.booleans()
    | st.integers(-(10**20), 10**20)
    | st.floats()
    | WORDS
    | st.sampled_from(["{option}", "{", "}", "{}", "a: b", "01", "~"])
    | st.dates()
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(SCALARS, inner, max_size=3),
    max_leaves=5,
)
# Structure rather than letters: what YAML itself reads as something else.
LINES = st.lists(
    st.sampled_from(
        [
            "a: 1",
            "a:",
            "- b",
            "  - c",
            "b: *x",
            "&x c",
            "? d",
            "'",
            "\t",
            "{e: [",
            "}",
            "!!python/x y",
            "---",
            "<<: 1",
            "1: 2",
            "\x00",
            "\ud800",
        ]
    ),
    max_size=6,
)


@BUDGET
@given(surveys(kinds=("csv",)), st.data())
def test_a_codebook_with_one_wrong_value_is_read_or_refused_in_one_line(survey, data):
    _, content, ids = survey
    codebook = codebook_of(content, ids)
    places = list(places_in(codebook))
    holder, key = data.draw(st.sampled_from(places))
    change = data.draw(st.sampled_from(["replace", "remove", "misspell"]))
    if change == "remove":
        del holder[key]
    elif change == "misspell" and isinstance(holder, dict):
        holder[f"{key}s"] = holder.pop(key)
    else:
        holder[key] = data.draw(VALUES)
    check_codebook(yaml.safe_dump(codebook, allow_unicode=True).encode("utf-8", "surrogatepass"))


@BUDGET
@given(LINES | st.binary(max_size=60))
def test_any_text_for_a_codebook_is_refused_in_one_line(written):
    text = written if isinstance(written, bytes) else "\n".join(written).encode("utf-8", "surrogatepass")
    assert check_codebook(text) is None


@BUDGET
@given(surveys(kinds=("csv",)))
def test_a_codebook_holds_what_was_written(survey):
    _, content, ids = survey
    assume(
        all(
            len({str(label).strip() for label in item.labels}) == len(item.labels)
            for item in content.values()
        )
    )
    codebook = check_codebook(yaml.safe_dump(codebook_of(content, ids), allow_unicode=True).encode())
    assert codebook is not None
    for name, item in content.items():
        assert codebook.items[name].labels("en") == item.labels
        assert [option.code for option in codebook.items[name].options] == item.codes


def check_codebook(text):
    with TemporaryDirectory() as folder:
        path = Path(folder) / "codebook.yaml"
        path.write_bytes(text)
        return attempt(load_codebook, path)


def places_in(node):
    """Yield all holders and keys below a node of plain values."""
    pairs = node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ()
    for key, value in list(pairs):
        yield node, key
        yield from places_in(value)
