import json

import numpy as np
import pandas as pd
import pytest

from scripts.train_imputation_adapters import train_imputation_adapters
from stimmung.engine.cohort import missing_adapters
from stimmung.vocabulary.errors import InputError
from stimmung.vocabulary.parquet_tables import read_table, write_table
from stimmung.vocabulary.votes_schemas import RESPONDENTS, SPLITS


def records(folder):
    return [json.loads((one / "training.json").read_text()) for one in sorted(folder.iterdir())]


def test_each_imputation_has_an_adapter_of_another_sample_with_another_seed(hidden_answers):
    first, second = records(hidden_answers.adapters)
    assert first["n_rows"] == second["n_rows"] == len(hidden_answers.donors)
    assert first["data_digest"] != second["data_digest"] and first["seed"] != second["seed"]
    assert first["cohort_size"] == 2, "they train as one cohort"
    assert first["name"] == "some, draw 1"


def test_what_the_store_has_is_not_trained_again(hidden_answers, tmp_path, monkeypatch):
    def no_base(path, _):
        raise AssertionError(f"{path} was loaded")

    monkeypatch.setattr(missing_adapters, "load_base_for_training", no_base)
    train_imputation_adapters(**hidden_answers.tuning, adapters=tmp_path / "again")
    assert records(tmp_path / "again") == records(hidden_answers.adapters)


def test_seeds_alone_learn_from_the_same_rows(hidden_answers, tmp_path):
    train_imputation_adapters(
        **{**hidden_answers.tuning, "uncertainty": "seeds"}, adapters=tmp_path / "seeds"
    )
    first, second = records(tmp_path / "seeds")
    assert first["seed"] != second["seed"] and first["data_digest"] == second["data_digest"]


def test_weights_count_whatever_their_unit_and_equal_ones_do_not(hidden_answers, tmp_path):
    people = read_table(hidden_answers.respondents, RESPONDENTS)

    def learned(name, weights):
        path = tmp_path / f"{name}.parquet"
        write_table(people.assign(weight=weights), path, RESPONDENTS)
        settings = {**hidden_answers.tuning, "respondents": path, "weighted": True}
        train_imputation_adapters(**settings, adapters=tmp_path / name)
        return [one["data_digest"] for one in records(tmp_path / name)]

    unequal = np.linspace(0.25, 3, len(people))
    equal = [one["data_digest"] for one in records(hidden_answers.adapters)]
    assert learned("equal", 2.0) == equal
    assert learned("unequal", unequal) == learned("doubled", 2 * unequal) != equal


def test_where_every_answer_is_known_nothing_is_trained(hidden_answers, small_study, tmp_path, capsys):
    everybody = {**hidden_answers.tuning, "splits": small_study.splits}
    train_imputation_adapters(**everybody, adapters=tmp_path / "none")
    assert list((tmp_path / "none").iterdir()) == []
    assert "there is nothing to impute" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("kept", "said"), [([], "no answer to 'vote' is observed"), (["Red"], "answered 'Red'")]
)
def test_without_two_observed_answers_there_is_nothing_to_learn(hidden_answers, tmp_path, kept, said):
    people = read_table(hidden_answers.respondents, RESPONDENTS)
    splits = read_table(hidden_answers.splits, SPLITS)
    splits["in_training"] &= splits.respondent_id.map(people.set_index("respondent_id").vote.isin(kept))
    write_table(splits, tmp_path / "splits.parquet", SPLITS)
    with pytest.raises(InputError, match=said):
        train_imputation_adapters(
            **{**hidden_answers.tuning, "splits": tmp_path / "splits.parquet"}, adapters=tmp_path / "none"
        )
    assert not (tmp_path / "none").exists()


def test_the_estimator_imputes_what_the_rules_impute(hidden_answers, tmp_path):
    """One library: the same adapters, from the same store, and the same answers; the pickle has no weights."""
    import pickle

    from scripts.draw_from_adapters import draw_from_adapters
    from stimmung import SurveyImputer
    from stimmung.study.reading import load_codebook
    from stimmung.vocabulary.votes_schemas import DRAWS

    people = read_table(hidden_answers.respondents, RESPONDENTS)
    hidden = people.respondent_id.isin(hidden_answers.hidden)
    answers = people.vote.astype(object).where(~hidden, None)
    imputer = SurveyImputer(
        load_codebook(hidden_answers.codebook),
        method="tuned",
        base=hidden_answers.base,
        training=hidden_answers.tuning["training"],
        store=hidden_answers.store,
        random_state=24,
        calibration="none",
    )
    stacked = imputer.fit(people, answers).impute(m=2)
    draws = tmp_path / "draws.parquet"
    draw_from_adapters(**drawing(hidden_answers), adapters=hidden_answers.adapters, draws=draws)
    expected = read_table(draws, DRAWS).set_index(["draw", "respondent_id"]).answer
    mine = stacked[stacked[".imp"] > 0].set_index([".imp", "respondent_id"]).vote.astype(str)
    assert (mine.loc[expected.index] == expected).all()
    pickled = pickle.dumps(imputer)
    weights = hidden_answers.adapters / "draw-001/adapter_model.safetensors"
    assert len(pickled) < weights.stat().st_size
    again = pickle.loads(pickled)
    pd.testing.assert_frame_equal(
        pd.DataFrame(again.predict_proba(people)), pd.DataFrame(imputer.predict_proba(people))
    )


def test_the_estimator_calibrates_by_models_that_did_not_learn_the_respondent(hidden_answers):
    import pickle

    from stimmung import SurveyImputer
    from stimmung.study.reading import load_codebook

    people = read_table(hidden_answers.respondents, RESPONDENTS)
    imputer = SurveyImputer(
        load_codebook(hidden_answers.codebook),
        method="tuned",
        base=hidden_answers.base,
        training=hidden_answers.tuning["training"].model_copy(update={"max_steps": 1}),
        store=hidden_answers.store,
    )
    imputer.fit(people, people.vote.astype(object))
    scaled = imputer.predict_proba(people)
    np.testing.assert_allclose(scaled.sum(axis=1), 1)
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(imputer)).predict_proba(people), scaled)
    plain = (
        imputer.set_params(calibration="none").fit(people, people.vote.astype(object)).predict_proba(people)
    )
    assert abs(plain - scaled).max() > 1e-3


def test_the_estimator_fills_the_question_with_the_item_s_wording(hidden_answers, tmp_path):
    """The same adapters as of a codebook in which the question is written out: its key tells the rows that it learned from."""
    from stimmung import SurveyImputer
    from stimmung.study.reading import load_codebook

    people = read_table(hidden_answers.respondents, RESPONDENTS)
    words, one_step = load_codebook(hidden_answers.codebook), {"max_steps": 1}
    learned = []
    for question in ("{wording}:", words.items["vote"].wording + ":"):
        store = tmp_path / str(len(learned))
        SurveyImputer(
            words.model_copy(update={"question": question}),
            method="tuned",
            base=hidden_answers.base,
            training=hidden_answers.tuning["training"].model_copy(update=one_step),
            store=store,
            calibration="none",
        ).fit(people, people.vote.astype(object))
        learned.append(sorted(path.name for path in store.glob("adapters/*")))
    assert learned[0] == learned[1] != []


def drawing(study):
    """What `draw_from_adapters` needs of a study, but the adapters and the file that it writes."""
    from stimmung.vocabulary.scoring import Scoring

    shared = ("base", "arm", "uncertainty", "language", "chat", "store", "threads")
    return {
        **study.tables,
        **study.about,
        **{name: study.tuning[name] for name in shared},
        "prompts": study.prompts,
        "predictions": study.predictions,
        "calibration": "none",
        "method": "small/tuned",
        "scoring": Scoring(),
        "tokens_per_batch": 4096,
    }
