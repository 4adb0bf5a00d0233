"""The whole config as one model."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Literal, Self

from pydantic import Field, model_validator

from stimmung.baselines.registry import BASELINES, BaselineName
from stimmung.study.models import BUILT_IN, Model
from stimmung.study.panels import Panel
from stimmung.study.reading import load_codebook, read_yaml, validated
from stimmung.study.surveys import Survey
from stimmung.vocabulary.arms import ARMS
from stimmung.vocabulary.endpoint import Endpoint
from stimmung.vocabulary.errors import InputError, raise_together, unknown
from stimmung.vocabulary.pace import Engine, Limit
from stimmung.vocabulary.scoring import Scoring
from stimmung.vocabulary.strict import Strict
from stimmung.vocabulary.training import Training


class Run(Strict):
    """What this run makes. Lists replace those of config.yaml, so that a study's file can leave out what the demo has."""

    surveys: list[str] = Field([])
    """Names from `surveys`."""
    panels: list[str] = Field([])
    """Names from `panels`."""
    baselines: list[BaselineName] = Field(list(BASELINES))
    """What language models must beat, on every survey."""


class Report(Strict):
    """The page at the end."""

    title: str = "Stimmung"
    """The heading of results/report.html."""
    formats: list[Literal["svg", "pdf", "png"]] = Field(["svg"])
    """File formats of the figures, beside the SVG of the page."""


class Study(Strict):
    """A study: models, surveys and panels, and what is done with them."""

    run: Run = Run.model_validate({})
    """What this run makes."""
    models: dict[str, Model] = Field({})
    """Base models, by the name that paths and arms use."""
    endpoints: dict[str, Endpoint] = Field({})
    """Models behind a server, by the name that paths and arms use. Their arms: zero-shot, few-shot and persona."""
    training: dict[str, Training] = Field({})
    """Presets of hyper-parameters, by name."""
    engine: Engine = Engine.model_validate({})
    """How the work is done."""
    limits: list[Limit] = Field([])
    """Memory and time limits of jobs by the size of their model. A profile sets them; they change no result."""
    scoring: Scoring = Scoring.model_validate({})
    """How an answer option's probability is read."""
    folds: int = Field(5, ge=2)
    """Stratified folds of every survey. Each respondent is tested exactly once, in the same fold under every condition."""
    surveys: dict[str, Survey] = Field({})
    """Surveys, by the name that paths use."""
    panels: dict[str, Panel] = Field({})
    """Panels of weekly posts, by the name that paths use."""
    baselines: dict[BaselineName, dict[str, list[Any]]] = Field(
        {name: {key: list(tried) for key, tried in one.grid.items()} for name, one in BASELINES.items()}
    )
    """Grids of the inner cross-validation that tunes each baseline on its training rows, in the estimator's parameter names. A grid
    that is given replaces that baseline's default."""
    inner_folds: int = Field(3, ge=2)
    """Folds of that inner cross-validation."""
    report: Report = Report.model_validate({})
    """The page at the end."""

    @model_validator(mode="after")
    def _names_resolve(self) -> Self:
        problems = unknown("run.surveys", "survey", self.run.surveys, self.surveys)
        problems += unknown("run.panels", "panel", self.run.panels, self.panels)
        branches: dict[str, Survey | Panel] = {f"surveys.{name}": one for name, one in self.surveys.items()}
        branches |= {f"panels.{name}": one for name, one in self.panels.items()}
        for place, one in branches.items():
            known = [*self.models, *(self.endpoints if isinstance(one, Survey) else ())]
            problems += unknown(f"{place}.arms", "model", one.models(), known)
            presets = sorted({self.preset_of(one, model) for model in one.models()})
            problems += unknown(f"{place}.training", "preset", presets, self.training)
        raise_together([*problems, *self._problems_with_abilities()])
        return self

    def _problems_with_abilities(self) -> list[str]:
        """Return which arms and panels ask a model for what it cannot do."""
        encoders = {name for name, model in self.models.items() if model.encoder}
        both = self.endpoints.keys() & self.models.keys()
        problems = [f"endpoints.{name}: a model has the same name" for name in self.endpoints if name in both]
        for name, endpoint in self.endpoints.items():
            named = endpoint.tokenizer
            if named is not None and "/" not in named:  # a folder without a slash is written ./folder
                problems += unknown(f"endpoints.{name}.tokenizer", "model", [named], self.models)
        for name, survey in self.surveys.items():
            for arm in survey.arms:
                told, model, does = (
                    f"surveys.{name}.arms: '{arm}'",
                    arm.split("/")[0],
                    ARMS[arm.split("/")[1]],
                )
                if model in encoders and not does.classifies:
                    problems.append(f"{told} needs a model that continues text, but '{model}' is an encoder")
                preset = self.preset_of(survey, model)
                if does.classifies and preset in self.training and self.training[preset].early_stopping:
                    problems.append(f"{told} cannot stop early, but preset '{preset}' has `early_stopping`")
                if model in self.endpoints and survey.groups is not None:
                    problems.append(
                        f"{told} asks a server, and groups are predicted by models on this machine only"
                    )
                if model in self.endpoints and does.tuned:
                    problems.append(f"{told} trains, but '{model}' runs on a server")
        for name, panel in self.panels.items():
            for model in panel.models():
                if model in encoders:
                    problems.append(f"panels.{name}.arms: '{model}' is an encoder and cannot continue text")
        if self.run.panels and self.scoring.normalization == "pmi":
            problems.append(
                "scoring.normalization: pmi compares with a prompt without a respondent, and a panel's question has none"
            )
        return problems

    def preset_of(self, branch: Survey | Panel, model: str) -> str:
        """Return the name of the preset that a model is tuned with on a survey or panel: the one it names, or that of its kind."""
        if branch.training is not None:
            return branch.training
        preset = "votes" if isinstance(branch, Survey) else "weeks"
        built_in = model in self.models and self.models[model].source == BUILT_IN
        return f"tiny-{preset}" if built_in else preset

    def training_of(self, branch: Survey | Panel, model: str) -> Training:
        """Return the hyper-parameters that a model is tuned with on a survey or panel."""
        return self.training[self.preset_of(branch, model)]

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


def load_study(config: Mapping[str, Any], root: Path = Path(), files: Iterable[str | Path] = ()) -> Study:
    """Check a merged config and return it as a study. The codebooks of this run's surveys are checked too.

    ``files`` are those that Snakemake merged it from, if it did: of a key that a file gives twice it saw the last only.

    Raises
    ------
    InputError
        With all mistakes at once, each with its place.
    """
    for path in files:
        read_yaml(root / path, "config", "A file of --configfile.")
    study = validated(Study, dict(config), "config")
    problems, surveys = [], dict(study.surveys)
    for name, survey in study.selected_surveys().items():
        codebook = load_codebook(root / survey.codebook)
        surveys[name] = survey.expanded(codebook)
        problems += [f"surveys.{name}.{problem}" for problem in surveys[name].problems_with(codebook)]
    if problems:
        raise InputError("config: " + "; ".join(problems), "The codebook names the items and their answers.")
    return study.model_copy(update={"surveys": surveys})
