import json
from types import SimpleNamespace

import pytest

from stimmung.vocabulary.tables import PREDICTIONS, SPLITS, write_table
from tests.synthetic_votes import CONDITIONS, VOTES_FIGURES, VOTES_FOR_READERS, VOTES_TABLES, make_votes


@pytest.fixture(scope="session")
def votes_study(tmp_path_factory):
    """A made-up survey that the scripts took from predictions to figures, in the folders of a run."""
    from scripts.evaluate_votes import evaluate_votes
    from scripts.plot_votes import plot_votes
    from scripts.tabulate_votes import tabulate_votes

    results = tmp_path_factory.mktemp("study") / "results"
    survey = results / "surveys" / "made-up"
    predictions, splits = make_votes(n=160)
    inputs = {"predictions": [], "splits": []}
    for (method, condition), part in predictions.groupby(["method", "condition"], sort=False):
        path = survey / "predictions" / method / condition / "seed-24.parquet"
        write_table(part, path, PREDICTIONS)
        inputs["predictions"].append(path)
    for condition, part in splits.groupby("condition", sort=False):
        path = survey / "splits" / f"{condition}.parquet"
        write_table(part, path, SPLITS)
        inputs["splits"].append(path)
    tables = {name: survey / f"{name}.parquet" for name in VOTES_TABLES}
    evaluate_votes(**inputs, **tables)
    about = {"conditions": CONDITIONS, "simulated": True}
    for_readers = {
        f"{name}_{kind}": survey / "tables" / f"{name}.{kind}"
        for name in VOTES_FOR_READERS
        for kind in ("csv", "tex")
    }
    tabulate_votes(
        **{name: tables[name] for name in ("fold_metrics", "metrics", "comparisons", "shares")},
        **about,
        tables=for_readers,
    )
    figures = {name: survey / "figures" / f"{name}.svg" for name in VOTES_FIGURES}
    plot_votes(
        **{name: tables[name] for name in ("fold_metrics", "metrics", "shares", "reliability")},
        **about,
        figures=figures,
    )
    provenance = survey / "provenance.json"
    provenance.write_text(
        json.dumps({"title": "A made-up survey", "source": "nowhere", "simulated": True, "n_rows_kept": 160})
    )
    model = results / "models" / "tiny" / "model.json"
    model.parent.mkdir(parents=True)
    model.write_text(json.dumps({"source": "results/built-in/tiny", "revision": None, "digest": "ab" * 32}))
    return SimpleNamespace(
        results=results,
        **inputs,
        tables=tables,
        for_readers=for_readers,
        figures=figures,
        provenance=provenance,
        model=model,
        respondents=predictions["respondent_id"].unique(),
        config={
            "models": {"tiny": {"source": "built-in"}},
            "training": {"votes": {"r": 16}},
            "surveys": {
                "made-up": {
                    "conditions": CONDITIONS,
                    "arms": ["tiny/tuned"],
                    "training": "votes",
                    "seeds": [24],
                }
            },
        },
    )
