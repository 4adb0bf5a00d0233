import pytest
from pydantic import TypeAdapter

from stimmung.study.models import Model
from stimmung.study.panels import Lexicon, Mix, Panel, Signal, Tracker
from stimmung.study.surveys import Survey, SurveySimulation


@pytest.mark.parametrize(
    ("model", "field"),
    [
        (Model, "source"),
        (Lexicon, "file"),
        (Mix, "source"),
        (Panel, "salt_file"),
        (Signal, "file"),
        (Tracker, "file"),
        (Survey, "file"),
        (Survey, "codebook"),
        (SurveySimulation, "layout"),
    ],
)
def test_fault_ff_a_tilde_in_a_path_is_the_home_folder(monkeypatch, model, field):
    monkeypatch.setenv("HOME", "/home/ann")
    annotation = model.model_fields[field].rebuild_annotation()
    assert TypeAdapter(annotation).validate_python("~/x") == "/home/ann/x"
