import numpy as np
import pandas as pd
import pytest
import yaml

from scripts.predict_left_out import predict_left_out
from stimmung.baselines.registry import UNASKED_BASELINES, WAVE_BASELINES
from stimmung.vocabulary.not_asked import NotAsked
from stimmung.vocabulary.parquet_tables import read_table, write_table
from stimmung.vocabulary.votes_schemas import PREDICTIONS, RESPONDENTS, SPLITS

YES_NO = [{"code": 1, "label": "yes"}, {"code": 0, "label": "no"}]
ITEMS = {
    "year": ("Year", [{"code": year, "label": str(year)} for year in (1990, 1992, 2004)]),
    "poor": ("Abortion be legal if the family is poor", YES_NO),
    "rape": ("Abortion be legal after a rape", YES_NO),
}
YES = {"1990": 0.2, "1992": 0.4, "2004": 0.5}  # shares of yes to 'poor'


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    """Ten respondents of each of three waves, in two folds; the last wave is left out, and nobody in it was asked."""
    folder = tmp_path_factory.mktemp("waves")
    paths = {name: folder / f"{name}.parquet" for name in ("respondents", "splits")}
    paths["codebook"] = folder / "waves.yaml"
    content = {"title": "t", "source": "s", "instruction": "i", "question": "{wording}:", "target": "poor"}
    items = {
        name: {"column": name, "wording": words, "options": options}
        for name, (words, options) in ITEMS.items()
    }
    paths["codebook"].write_text(yaml.safe_dump(content | {"items": items}))
    # Of each wave, yes is as often in either fold.
    said = {year: (["yes"] * round(5 * share) + ["no"] * 5)[:5] * 2 for year, share in YES.items()}
    years = np.repeat(list(YES), 10)
    people = pd.DataFrame(
        {
            "respondent_id": [f"r{place:02}" for place in range(30)],
            "weight": 1.0,
            "year": pd.Categorical(years, list(YES), ordered=True),
            "poor": pd.Categorical(
                [answer for of_wave in said.values() for answer in of_wave], ["yes", "no"]
            ),
            "rape": pd.Categorical((["yes", "no", "no", "no"] * 8)[:30], ["yes", "no"]),
        }
    )
    write_table(people, paths["respondents"], RESPONDENTS)
    late = years == "2004"
    splits = people[["respondent_id"]].assign(
        condition="gap", fold=np.tile(np.repeat([0, 1], 5), 3), in_training=~late, tested=late
    )
    write_table(splits.astype({"fold": "int8"}), paths["splits"], SPLITS)
    return paths


def predicted(study, path, baseline):
    """Return the predictions of the wave left out."""
    predict_left_out(
        **study,
        predictions=path,
        baseline=baseline,
        language="en",
        drop_items=[],
        left_out={"year": ["2004"]},
        condition="gap",
        seed=1,
        not_asked=NotAsked(items=["poor"], among={"year": ["2004"]}),
    )
    table = read_table(path, PREDICTIONS)
    assert set(table["method"]) == {f"baselines/{baseline}"} and set(table["condition"]) == {"gap"}
    return table["p_yes"].to_numpy()[20:]


@pytest.mark.parametrize("baseline", [*WAVE_BASELINES, *UNASKED_BASELINES])
def test_each_name_predicts_the_wave_left_out_as_it_says(study, tmp_path, baseline):
    own = (read_table(study["respondents"], RESPONDENTS)["rape"] == "yes").to_numpy(dtype=float)
    expected = {
        "trend": np.full(10, 1.0),  # a tenth a year: 1.6 in 2004, cut
        "last-value": np.full(10, 0.4),
        "nearest-item": own[20:],
        # Of those in the other fold, whatever their wave.
        "nearest-item-shares": np.repeat(
            [own[np.r_[5:10, 15:20, 25:30]].mean(), own[np.r_[:5, 10:15, 20:25]].mean()], 5
        ),
    }
    assert predicted(study, tmp_path / "predictions.parquet", baseline) == pytest.approx(expected[baseline])
