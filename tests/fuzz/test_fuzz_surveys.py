import json
import math
from pathlib import Path
from tempfile import TemporaryDirectory

import pandas as pd
import yaml
from hypothesis import assume, given

from scripts.read_survey import read_survey
from stimmung.vocabulary.parquet_tables import read_table
from stimmung.vocabulary.votes_schemas import RESPONDENTS
from tests.fuzz.budget import BUDGET, attempt
from tests.fuzz.survey_content import codebook_of, is_ambiguous, surveys, write_survey


def read(folder, file, codebook):
    folder.mkdir()
    outputs = {"respondents": folder / "respondents.parquet", "provenance": folder / "provenance.json"}
    read_survey(
        file=str(file), codebook=codebook, language="en", where={}, weight=None, simulated=True, **outputs
    )
    return outputs


def check_read_back(folder, kind, content, ids, *, may_be_refused):
    codebook = folder / "codebook.yaml"
    codebook.write_text(yaml.safe_dump(codebook_of(content, ids), allow_unicode=True), encoding="utf-8")
    file = write_survey(folder, kind, content, ids)
    outputs = attempt(read, folder / "once", file, codebook)
    if outputs is None:
        assert may_be_refused, "a plain survey was refused"
        assert not list((folder / "once").iterdir()), "a refused file leaves nothing behind"
        return
    table = read_table(outputs["respondents"], RESPONDENTS)
    provenance = json.loads(outputs["provenance"].read_text())
    n = len(content["vote"].answers)
    assert provenance["n_rows_read"] == provenance["n_rows_kept"] == len(table) == n
    if ids:
        assert table["respondent_id"].tolist() == [str(one) for one in ids]
    for name, item in content.items():
        expected = [item.said(answer) for answer in item.answers]
        found = [None if pd.isna(one) else one for one in table[name]]
        if item.scale == "numeric":
            pairs = zip(expected, found, strict=True)
            assert all(a == b or (a is not None and math.isclose(a, b, rel_tol=1e-12)) for a, b in pairs)
        else:
            assert found == expected
            assert table[name].cat.categories.tolist() == item.labels
        if item.missing:
            reasons = [None if pd.isna(one) else one for one in table[f"{name}.missing"]]
            assert reasons == [item.reason(answer) for answer in item.answers]
    again = read(folder / "twice", file, codebook)
    assert again["respondents"].read_bytes() == outputs["respondents"].read_bytes()
    assert again["provenance"].read_bytes() == outputs["provenance"].read_bytes()


@BUDGET
@given(surveys())
def test_a_survey_is_read_back_as_written_or_refused_in_one_line(survey):
    kind, content, ids = survey
    assume(not is_ambiguous(kind, content))
    with TemporaryDirectory() as folder:
        check_read_back(Path(folder), kind, content, ids, may_be_refused=True)


@BUDGET
@given(surveys(plain=True))
def test_a_survey_of_plain_codes_and_words_is_never_refused(survey):
    kind, content, ids = survey
    with TemporaryDirectory() as folder:
        check_read_back(Path(folder), kind, content, ids, may_be_refused=False)
