from pathlib import Path

import pytest

from scripts.read_survey import read_survey
from scripts.simulate_survey import simulate_survey
from stimmung.study.surveys import SurveySimulation
from stimmung.vocabulary.errors import InputError
from stimmung.vocabulary.parquet_tables import read_table
from stimmung.vocabulary.votes_schemas import RESPONDENTS

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("name", ["anes1996", "beps1997", "chile1988"])
def test_every_codebook_can_be_tried_out_without_its_data(tmp_path, name):
    codebook = ROOT / f"codebooks/{name}.yaml"
    chosen = {"codebook": codebook, "where": {}, "where_not": {}, "weight": None, "language": "en"}
    simulate_survey(**chosen, simulate=SurveySimulation(n_respondents=300), file=tmp_path / "made.sav")
    output = {"respondents": tmp_path / "r.parquet", "provenance": tmp_path / "p.json"}
    with pytest.raises(
        InputError, match="says that its respondents are simulated, but neither study nor codebook does"
    ):
        read_survey(file=str(tmp_path / "made.sav"), **chosen, **output, simulated=False)
    assert not (tmp_path / "r.parquet").exists()
    read_survey(file=str(tmp_path / "made.sav"), **chosen, **output, simulated=True)
    assert len(read_table(tmp_path / "r.parquet", RESPONDENTS)) == 300
    assert "(simulated respondents)" in (tmp_path / "p.json").read_text()
