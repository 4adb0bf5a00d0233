"""The whole config as one model."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal, Self

from pydantic import Field, model_validator

from stimmung.study.models import Model
from stimmung.study.panels import Panel
from stimmung.study.reading import load_codebook, validated
from stimmung.study.surveys import Baseline, Survey
from stimmung.vocabulary.arms import ARMS
from stimmung.vocabulary.endpoint import Endpoint
from stimmung.vocabulary.errors import InputError, near
from stimmung.vocabulary.pace import Engine, Limit
from stimmung.vocabulary.scoring import Scoring
from stimmung.vocabulary.strict import Strict
from stimmung.vocabulary.training import Training


class Run(Strict):
    """What this run makes. Lists, so that a study's file can leave out what the default config has."""

    surveys: list[str] = Field([], description="Names from `surveys`.")
    panels: list[str] = Field([], description="Names from `panels`.")
    baselines: list[Baseline] = Field([], description="What language models must beat, on every survey.")


class Report(Strict):
    """The page at the end."""

    title: str = Field(description="The heading of results/report.html.")
    formats: list[Literal["svg", "pdf", "png"]] = Field(["svg"], description="File formats of the figures.")


class Study(Strict):
    """A study: models, surveys and panels, and what is done with them."""

    run: Run
    models: dict[str, Model] = Field(description="Base models, by the name that stands in paths.")
    endpoints: dict[str, Endpoint] = Field(
        {}, description="Models behind a server, by the name that stands in paths."
    )
    training: dict[str, Training] = Field(description="Presets of hyper-parameters, by name.")
    engine: Engine
    limits: list[Limit] = Field(
        [],
        description="Memory and time limits of jobs by the size of their model. A profile sets them; they change no result. "
        "Empty: Stimmung's own guesses.",
    )
    scoring: Scoring
    surveys: dict[str, Survey] = Field({}, description="Surveys, by the name that stands in paths.")
    panels: dict[str, Panel] = Field(
        {}, description="Panels of weekly posts, by the name that stands in paths."
    )
    baselines: dict[Baseline, dict[str, list[Any]]] = Field(
        {}, description="Grids of the inner cross-validation, in the estimator's own parameter names."
    )
    folds: int = Field(
        5, ge=2, description="Stratified folds of every survey. Each respondent is tested once."
    )
    inner_folds: int = Field(
        3, ge=2, description="Folds of the inner cross-validation that tunes the baselines."
    )
    report: Report

    @model_validator(mode="after")
    def _names_resolve(self) -> Self:
        problems = [
            f"run.surveys: no survey '{name}'{near(name, self.surveys)}"
            for name in self.run.surveys
            if name not in self.surveys
        ]
        problems += [
            f"run.panels: no panel '{name}'{near(name, self.panels)}"
            for name in self.run.panels
            if name not in self.panels
        ]
        for section, name, one in self._branches():
            known = {*self.models, *(self.endpoints if section == "surveys" else ())}
            problems += [
                f"{section}.{name}.arms: no model '{model}'{near(model, known)}"
                for model in one.models()
                if model not in known
            ]
            if one.training not in self.training:
                problems.append(
                    f"{section}.{name}.training: no preset '{one.training}'{near(one.training, self.training)}"
                )
        problems += self._problems_with_abilities()
        problems += self._problems_with_questions()
        if problems:
            raise ValueError("; ".join(problems))
        return self

    def _branches(self) -> list[tuple[str, str, Survey | Panel]]:
        surveys: list[tuple[str, str, Survey | Panel]] = [("surveys", *item) for item in self.surveys.items()]
        return [*surveys, *(("panels", *item) for item in self.panels.items())]

    def _problems_with_abilities(self) -> list[str]:
        """Return which arms and panels ask a model for what it cannot do."""
        encoders = {name for name, model in self.models.items() if model.encoder}
        problems = [
            f"surveys.{name}.arms: '{arm}' needs a model that continues text, and '{arm.split('/')[0]}' is an encoder"
            for name, survey in self.surveys.items()
            for arm in survey.arms
            if arm.split("/")[0] in encoders and not ARMS[arm.split("/")[1]].classifies
        ]
        problems += [
            f"panels.{name}.arms: '{model}' is an encoder, and cannot continue text"
            for name, panel in self.panels.items()
            for model in panel.models()
            if model in encoders
        ]
        problems += [
            f"endpoints.{name}: a model has the same name" for name in self.endpoints if name in self.models
        ]
        problems += [
            f"surveys.{name}.arms: '{arm}' trains, but '{arm.split('/')[0]}' runs on a server"
            for name, survey in self.surveys.items()
            for arm in survey.arms
            if arm.split("/")[0] in self.endpoints and ARMS[arm.split("/")[1]].tuned
        ]
        return problems

    def _problems_with_questions(self) -> list[str]:
        problems = [
            f"panels.{name}.arms: '{model}' has chat: true, but posts and questions are read as plain text"
            for name, panel in self.panels.items()
            for model in panel.models()
            if model in self.models and self.models[model].chat
        ]
        if self.run.panels and self.scoring.normalization == "pmi":
            problems.append(
                "scoring.normalization: pmi compares with a prompt without respondent; a panel's question has none"
            )
        return problems

    def selected_surveys(self) -> dict[str, Survey]:
        """Return the surveys of this run, by name."""
        return {name: self.surveys[name] for name in self.run.surveys}

    def selected_panels(self) -> dict[str, Panel]:
        """Return the panels of this run, by name."""
        return {name: self.panels[name] for name in self.run.panels}

    def selected_models(self) -> dict[str, Model]:
        """Return the models that this run needs, by name."""
        chosen: list[Survey | Panel] = [*self.selected_surveys().values(), *self.selected_panels().values()]
        names = [model for one in chosen for model in one.models()]
        return {name: self.models[name] for name in dict.fromkeys(names) if name in self.models}


def load_study(config: Mapping[str, Any], root: Path = Path()) -> Study:
    """Check a config and return it as a study; the codebooks of the surveys of this run are checked with it.

    Parameters
    ----------
    config
        The merged config, as Snakemake holds it.
    root
        The folder that relative paths start from.

    Raises
    ------
    InputError
        With all mistakes at once, each with its place.
    """
    study = validated(Study, dict(config), "config")
    problems = []
    for name, survey in study.selected_surveys().items():
        codebook = load_codebook(root / survey.codebook)
        problems += [f"surveys.{name}.{problem}" for problem in survey.problems_with(codebook)]
    if problems:
        raise InputError("config: " + "; ".join(problems), "The codebook names the items and their answers.")
    return study
