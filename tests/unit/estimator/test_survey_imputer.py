import pickle
import subprocess
import sys
import warnings

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.utils.estimator_checks import check_estimator

from stimmung import SurveyImputer
from stimmung.baselines.tabular import predict_baseline
from stimmung.evaluation.estimates.multiple_imputation import impute_draws, stacked_data
from stimmung.evaluation.estimates.pooled_estimates import pooled_shares
from stimmung.vocabulary.errors import InputError
from tests.stacked_votes import OPTIONS, PREDICTORS, make_respondents

PEOPLE = make_respondents(150, seed=4)
X = PEOPLE.set_index("respondent_id")[PREDICTORS]
Y = PEOPLE.vote.astype(object).where(np.arange(150) % 3 > 0, None)
GRID = {"C": [1.0]}


def fitted(x=X, y=Y, **parameters):
    return SurveyImputer(**{"grid": GRID, **parameters}).fit(x, y)


@pytest.mark.slow
def test_scikit_learn_s_own_checks_pass():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        results = check_estimator(SurveyImputer(grid=GRID), on_fail=None, on_skip=None)
    wrong = {
        one["check_name"]: one["exception"] for one in results if one["status"] not in ("passed", "skipped")
    }
    assert not wrong and len(results) > 50


def test_it_imputes_as_the_workflow_does():
    """One library: the estimator's stacked data are those of the functions that the rules call."""
    ours = fitted(random_state=7)
    stacked = ours.impute(m=3)
    people = PEOPLE.assign(weight=1.0, vote=pd.Categorical(Y, OPTIONS))

    def predict(donors, recipients, seed):
        return predict_baseline("logistic", donors, recipients, PREDICTORS, "vote", OPTIONS, GRID, 3, seed)

    draws = impute_draws(people, Y.notna().to_numpy(), predict, target="vote", options=OPTIONS, m=3, seed=7)
    pd.testing.assert_frame_equal(stacked, stacked_data(people, draws, target="vote"))
    assert pooled_shares(stacked, "vote").estimate.sum() == pytest.approx(1)


@pytest.mark.parametrize(
    "method", ["baselines/majority", "baselines/chained-equations", "baselines/hot-deck"]
)
def test_each_tabular_method_predicts_and_imputes(method):
    imputer = fitted(method=method, grid=None, cells=["sex", "age"])
    probabilities = imputer.predict_proba(X.iloc[:10])
    np.testing.assert_allclose(probabilities.sum(axis=1), 1)
    assert list(imputer.classes_) == sorted(OPTIONS) and probabilities.shape == (10, 3)
    assert imputer.impute(m=2).vote.notna().sum() == 100 + 2 * 150


def test_a_clone_and_a_pickle_impute_the_same():
    imputer = fitted()
    again = pickle.loads(pickle.dumps(imputer))
    pd.testing.assert_frame_equal(again.impute(m=2), imputer.impute(m=2))
    np.testing.assert_array_equal(again.predict_proba(X), imputer.predict_proba(X))
    with pytest.raises(NotFittedError):
        clone(imputer).impute()
    assert clone(imputer).get_params() == imputer.get_params()


def test_survey_weights_are_in_the_stacked_data():
    imputer = SurveyImputer(grid=GRID).fit(X, Y, survey_weight=PEOPLE.weight)
    assert imputer.impute(m=2).weight.tolist() == 3 * PEOPLE.weight.tolist()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"y": pd.Series([None] * 150)}, "no answer is observed in 150 rows"),
        ({"y": Y.where(Y == "SPD", None)}, "one class alone, 'SPD'"),
        ({"survey_weight": np.ones(149)}, r"survey_weight has shape \(149,\), and X has 150 rows"),
        ({"survey_weight": np.zeros(150)}, "zero, negative or missing in 150 of 150"),
        ({"X": X.assign(age=np.inf)}, "'age': no answer 'inf"),
    ],
)
def test_what_cannot_be_learned_from_is_said_in_one_line(arguments, said):
    with pytest.raises(InputError, match=said) as error:
        SurveyImputer(grid=GRID).fit(**{"X": X, "y": Y, **arguments})
    assert isinstance(error.value, ValueError)


def test_one_imputation_is_refused():
    with pytest.raises(InputError, match="m is 1"):
        fitted().impute(m=1)


def test_a_category_first_seen_at_transform_is_refused_and_named():
    """It would be read as an absent answer."""
    new = X.astype({"sex": object}).assign(sex="femal")
    with pytest.raises(InputError, match=r"'sex': no answer 'femal' .did you mean 'female'"):
        fitted().transform(new)


def test_a_respondent_without_any_answer_is_imputed_and_told(capsys):
    silent = X.copy()
    silent.iloc[0] = np.nan
    imputer = fitted(silent)
    assert imputer.impute(m=2).vote.notna().sum() == 100 + 300
    assert "1 of 50 respondents whose 'vote' is imputed answered no item" in capsys.readouterr().err
    assert np.isfinite(imputer.predict_proba(silent.iloc[:1])).all()


def test_importing_the_library_and_the_estimator_loads_no_torch():
    code = "import sys, stimmung; assert 'sklearn' not in sys.modules; stimmung.SurveyImputer; print('torch' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"


def test_an_unknown_method_and_an_absent_base_are_told():
    with pytest.raises(InputError, match=r"no baseline 'logistics' .did you mean 'logistic'"):
        fitted(method="baselines/logistics")
    with pytest.raises(InputError, match="needs a `codebook` and the folder"):
        fitted(method="tuned")
