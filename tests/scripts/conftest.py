import json
from types import SimpleNamespace

import pytest

from stimmung.report.result_registry import MOODS, VOTES, names
from stimmung.study.panels import Panel
from stimmung.vocabulary.moods_schemas import ANSWERS, SIGNALS, TRACKER
from stimmung.vocabulary.parquet_tables import read_table, write_table
from stimmung.vocabulary.votes_schemas import DRAWS, PREDICTIONS, RECTIFIED, RESPONDENTS, SPLITS
from tests.synthetic_moods import OPTIONS, SEEDS, make_moods
from tests.synthetic_votes import (
    CONDITIONS,
    SUBGROUPS,
    make_draws,
    make_rectified,
    make_respondents,
    make_votes,
)

MISSING = ("2020-01-02",)  # a week that is skipped for want of posts


@pytest.fixture(scope="session")
def votes_study(tmp_path_factory):
    """A made-up survey that the scripts took from predictions to figures, in the folders of a run."""
    from scripts.evaluate_votes import evaluate_votes
    from scripts.plot_votes import plot_votes
    from scripts.tabulate_votes import tabulate_votes

    results = tmp_path_factory.mktemp("study") / "results"
    survey = results / "surveys" / "made-up"
    predictions, splits = make_votes(n=160)
    inputs = {"predictions": [], "splits": [], "draws": [survey / "imputed/draws.parquet"]}
    write_table(make_draws(predictions, splits), inputs["draws"][0], DRAWS)
    for (method, condition), part in predictions.groupby(["method", "condition"], sort=False):
        path = survey / "predictions" / method / condition / "seed-24.parquet"
        write_table(part, path, PREDICTIONS)
        inputs["predictions"].append(path)
    for condition, part in splits.groupby("condition", sort=False):
        path = survey / "splits" / f"{condition}.parquet"
        write_table(part, path, SPLITS)
        inputs["splits"].append(path)
    tables = [survey / f"{name}.parquet" for name in names(VOTES, "data")]
    inputs["respondents"] = survey / "respondents.parquet"
    write_table(make_respondents(predictions), inputs["respondents"], RESPONDENTS)
    rectified = [survey / "rectified" / "estimates.parquet"]
    write_table(make_rectified(predictions, splits), rectified[0], RECTIFIED)
    evaluate = {
        **inputs,
        "conditions": CONDITIONS,
        "subgroups": SUBGROUPS,
        "weighted": False,
        "rectified": rectified,
    }
    evaluate |= {"calibrated": survey / "calibrated.parquet", "calibration": "temperature", "target": "vote"}
    evaluate_votes(**evaluate, results=tables)
    about = {"results": tables, "conditions": CONDITIONS, "simulated": True}
    for_readers = for_readers_in(survey / "tables", VOTES)
    tabulate_votes(**about, tables=for_readers)
    figures = [survey / "figures" / f"{name}.svg" for name in names(VOTES, "figure")]
    plot_votes(**about, figures=figures)
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
        evaluate=evaluate,
        about=about,
        tables={path.stem: path for path in tables},
        for_readers={path.name: path for path in for_readers},
        figures={path.stem: path for path in figures},
        provenance=provenance,
        model=model,
        ids=predictions["respondent_id"].unique(),
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


def for_readers_in(folder, results):
    return [folder / f"{name}.{suffix}" for name in names(results, "table") for suffix in ("csv", "tex")]


def recorded(study, root):
    """What `record_run` needs of a study, but the file that it writes."""
    return {
        "provenance": [study.provenance] if hasattr(study, "provenance") else [],
        "panels": [study.reading] if hasattr(study, "reading") else [],
        "models": [study.model],
        "files": [],
        "config": study.config,
        "git": {"revision": None, "date": None, "dirty": None},
        "benchmarks": root / "benchmarks",
        "adapters": [],
    }


@pytest.fixture(scope="session")
def moods_study(tmp_path_factory):
    """A made-up panel that the scripts took from answers to figures, in the folders of a run."""
    from scripts.aggregate_answers import aggregate_answers
    from scripts.cross_correlate import cross_correlate
    from scripts.plot_moods import plot_moods
    from scripts.tabulate_moods import tabulate_moods

    results = tmp_path_factory.mktemp("panel-study") / "results"
    panel = results / "panels" / "made-up"
    made = make_moods(missing=MISSING)
    schemas = {"answers": ANSWERS, "tracker": TRACKER, "words": SIGNALS, "truth": SIGNALS}
    inputs = {name: panel / f"{name}.parquet" for name in schemas}
    for name, schema in schemas.items():
        write_table(made[name], inputs[name], schema)
    affect = panel / "affect.parquet"
    tables = [panel / f"{name}.parquet" for name in names(MOODS, "data")]
    questions = {"mood": list(OPTIONS)}
    wordings = panel / "wordings.parquet"
    aggregate_answers(
        answers=[inputs["answers"]],
        affect=affect,
        wordings=wordings,
        scale="min-max",
        rolling_weeks=3,
        weigh="equal",
    )
    correlate = {
        "affect": affect,
        "wordings": wordings,
        "words": [inputs["words"]],
        "signals": [],
        "tracker": [inputs["tracker"]],
        "truth": [inputs["truth"]],
        "tracker_is_truth": False,
        "questions": questions,
        "weeks": made["weeks"],
        "max_lag_weeks": 2,
        "rolling_weeks": 3,
        "periods": {"second half": made["weeks"][10:]},
        "n_simulations": 99,
        "seed": 0,
    }
    cross_correlate(**correlate, results=tables)
    for_readers = for_readers_in(panel / "tables", MOODS)
    tabulate_moods(results=tables, tables=for_readers, rolling_weeks=3, constructed="simulated")
    draw = {
        "results": [affect, wordings, *tables],
        "tracker": [inputs["tracker"]],
        "words": [inputs["words"]],
        "signals": [],
        "tracker_is_truth": False,
        "questions": questions,
        "weeks": made["weeks"],
        "scale": "min-max",
        "rolling_weeks": 3,
    }
    figures = [panel / "figures" / f"{name}.svg" for name in names(MOODS, "figure")]
    plot_moods(**draw, constructed="simulated", figures=figures)
    reading = panel / "reading.json"
    reading.write_text(json.dumps({"rows": 9600, "kept": 9420, "dropped": {"retweet": 180}, "warnings": []}))
    model = results / "models" / "tiny" / "model.json"
    model.parent.mkdir(parents=True)
    model.write_text(json.dumps({"source": "results/built-in/tiny", "revision": None, "digest": "ab" * 32}))
    declared = Panel.model_validate(
        {
            "simulate": {"posts_per_week": 100},
            "weeks": {"first": made["weeks"][0], "last": made["weeks"][-1], "anchor": "THU"},
            "questions": {"mood": {"stem": "How do you feel?", "options": list(OPTIONS)}},
            "arms": ["tiny/weekly"],
            "training": "weeks",
            "seeds": list(SEEDS),
            "series": {"max_lag_weeks": 2},
        }
    )
    return SimpleNamespace(
        results=results,
        made=made,
        inputs=inputs,
        tables={path.stem: path for path in (affect, wordings, *tables)},
        correlate=correlate,
        for_readers={path.name: path for path in for_readers},
        draw=draw,
        figures={path.stem: path for path in figures},
        reading=reading,
        model=model,
        config={
            "run": {"surveys": [], "panels": ["made-up"]},
            "models": {"tiny": {"source": "built-in"}},
            "training": {"weeks": {"r": 16}},
            "panels": {"made-up": declared.model_dump(mode="json")},
        },
    )


@pytest.fixture(scope="session")
def small_study(tmp_path_factory):
    """The made-up survey of the workflow tests, read, split and worded, and a random base model, prepared."""
    import yaml

    from scripts.build_prompts import build_prompts
    from scripts.prepare_model import prepare_model
    from scripts.read_survey import read_survey
    from scripts.split_respondents import split_respondents
    from stimmung.engine.base.model_files import WEIGHTS_AND_TOKENIZER
    from tests.workflow.small_model import save_small_model
    from tests.workflow.workspace import CODEBOOK, voters

    folder = tmp_path_factory.mktemp("small-study")
    paths = SimpleNamespace(
        folder=folder,
        codebook=folder / "voters.yaml",
        respondents=folder / "respondents.parquet",
        splits=folder / "splits.parquet",
        prompts=folder / "prompts.parquet",
        source=save_small_model(folder / "source"),
        base=folder / "base",
    )
    paths.codebook.write_text(yaml.safe_dump(CODEBOOK, sort_keys=False))
    (folder / "voters.csv").write_text(voters())
    words = {"codebook": paths.codebook, "language": "en"}
    read_survey(
        file=str(folder / "voters.csv"),
        **words,
        where={},
        weight=None,
        respondents=paths.respondents,
        provenance=folder / "provenance.json",
    )
    chosen = {
        "target": "vote",
        "condition": "full",
        "exclude": {},
        "keep": {},
        "complete": [],
        "same_size_as": None,
        "share": None,
        "folds": 2,
        "seed": 0,
    }
    split_respondents(respondents=paths.respondents, **chosen, splits=paths.splits)
    build_prompts(respondents=paths.respondents, **words, drop_items=[], prompts=paths.prompts)
    prepare_model(
        source=str(paths.source),
        revision=None,
        quantization="nf4",
        compute_dtype="float32",
        encoder=False,
        threads=1,
        store=folder / "store",
        description=paths.base / "model.json",
        files=[paths.base / name for name in WEIGHTS_AND_TOKENIZER],
    )
    return paths


@pytest.fixture(scope="session")
def hidden_answers(small_study, tmp_path_factory):
    """The small study under a condition that hides the answers of every third respondent, and adapters for two imputations."""
    from scripts.train_imputation_adapters import train_imputation_adapters
    from stimmung.vocabulary.pace import Pace
    from tests.scripts.test_train_fold_adapters import TRAINING

    folder = tmp_path_factory.mktemp("hidden")
    splits = read_table(small_study.splits, SPLITS).assign(condition="some")
    splits["in_training"] &= splits.index % 3 > 0
    found = SimpleNamespace(**vars(small_study))
    found.splits, found.adapters, found.store = (
        folder / "splits.parquet",
        folder / "adapters",
        folder / "store",
    )
    found.hidden = list(splits.respondent_id[~splits.in_training])
    found.donors = list(splits.respondent_id[splits.in_training])
    write_table(splits, found.splits, SPLITS)
    tables = ("respondents", "splits", "codebook")
    found.tables = {name: getattr(found, name) for name in tables}
    found.about = {"condition": "some", "m": 2, "seed": 24}
    found.tuning = {
        **found.tables,
        **found.about,
        "prompts": found.prompts,
        "base": found.base / "model.json",
        "arm": "tuned",
        "uncertainty": "bootstrap",
        "language": "en",
        "chat": False,
        "training": TRAINING,
        "pace": Pace(cohort="stacked"),
        "store": found.store,
        "threads": 1,
    }
    train_imputation_adapters(**found.tuning, adapters=found.adapters)
    found.predictions = predicted_votes(found, folder / "predictions.parquet", 0.6)
    return found


def predicted_votes(study, path, probability):
    """Write a PREDICTIONS table in which everybody votes Red with one probability, and return its path."""
    people = read_table(study.respondents, RESPONDENTS)
    about = {"method": "small/zero-shot", "condition": "full", "seed": 24, "fold": 0}
    table = people[["respondent_id", "weight"]].assign(**about, target=people.vote.astype(str))
    table = table.assign(p_Red=probability, p_Blue=1 - probability, option_mass=1.0, normalization="none")
    order = ["respondent_id", *about, "target", "weight", "p_Red", "p_Blue", "option_mass", "normalization"]
    write_table(table[order].astype({"fold": "int8"}), path, PREDICTIONS)
    return path
