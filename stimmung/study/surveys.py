"""The `surveys` section of the config: one survey file, its conditions, and the methods that predict it."""

from collections.abc import Sequence
from typing import Literal, Self

from pydantic import Field, model_validator

from stimmung.vocabulary.arms import ARMS, sees_training_rows
from stimmung.vocabulary.codebook import Codebook, Strict
from stimmung.vocabulary.errors import near

Baseline = Literal["majority", "logistic", "random-forest", "xgboost", "catboost"]


class Condition(Strict):
    """An experiment on the training rows. Test folds are the same in every condition."""

    exclude: dict[str, list[str]] = Field(
        {}, description="Item to answers: respondents who gave one of them leave the training rows."
    )
    keep: dict[str, list[str]] = Field(
        {}, description="Item to answers: only respondents who gave one of them stay in the training rows."
    )
    share: float | None = Field(
        None,
        gt=0,
        le=1,
        description="This stratified share of the training rows that are left, drawn by seed.",
    )
    drop_items: list[str] = Field([], description="Items that leave the prompt and the baselines' columns.")
    arms: list[str] | None = Field(None, description="Only these arms of the survey. None: all.")

    @property
    def changes_training_only(self) -> bool:
        """Whether prompts are those of the survey as it stands, so that an untuned model answers the same."""
        return not self.drop_items


class Subgroup(Strict):
    """A part of the tested respondents that is also measured alone. Who gave no answer to a named item is in none."""

    keep: dict[str, list[str]] = Field({}, description="Item to answers: who gave one of them.")
    exclude: dict[str, list[str]] = Field({}, description="Item to answers: who gave another one.")


class Survey(Strict):
    """One survey: where it is, who is in it, what is tried on it."""

    file: str = Field(description="A .csv, .parquet, .sav or .dta file, or 'statsmodels:anes96'.")
    codebook: str = Field(description="The YAML file that turns codes into words.")
    where: dict[str, list[int | float | str]] = Field(
        {}, description="Column to codes: only these rows are read."
    )
    weight: str | None = Field(
        None, description="The column of the survey weight. None: every respondent counts 1."
    )
    weighted_metrics: bool = Field(
        False, description="Weights count in every metric, not in the shares only."
    )
    language: str = Field("en", description="The language of the prompts, one of the codebook's.")
    split_seed: int = Field(24, description="Draws the folds and the shares.")
    conditions: dict[str, Condition] = Field(description="The experiments, by name.")
    subgroups: dict[str, Subgroup] = Field(
        {}, description="Parts of the tested respondents that are also measured alone, by name."
    )
    arms: list[str] = Field(
        description="What language models do, MODEL/ARM: tuned, zero-shot, few-shot, persona or classifier."
    )
    few_shot_k: int = Field(
        4, gt=0, description="Examples in a few-shot prompt, from the training rows only."
    )
    training: str = Field(description="A preset of the `training` section.")
    seeds: list[int] = Field(
        [24], min_length=1, description="Each is one more run of everything that is random."
    )

    @model_validator(mode="after")
    def _complete(self) -> Self:
        problems = []
        for arm in [
            *self.arms,
            *(arm for condition in self.conditions.values() for arm in condition.arms or []),
        ]:
            if arm.count("/") != 1 or arm.split("/")[1] not in ARMS:
                problems.append(f"arm '{arm}' is not MODEL/{' or MODEL/'.join(ARMS)}")
        for name, condition in self.conditions.items():
            extra = [arm for arm in condition.arms or [] if arm not in self.arms]
            problems += [f"conditions.{name}: arm '{arm}' is not among the survey's arms" for arm in extra]
        if not self.conditions:
            problems.append("conditions: needs at least one")
        if problems:
            raise ValueError("; ".join(problems))
        return self

    def models(self) -> list[str]:
        """Return the models that some arm uses."""
        return list(dict.fromkeys(arm.split("/")[0] for arm in self.arms))

    def arms_of(self, condition: str) -> list[str]:
        """Return the arms that are run under ``condition``.

        An arm that sees no training rows runs only where the prompts differ from those of the conditions before it.
        """
        chosen = self.conditions[condition].arms
        arms = self.arms if chosen is None else chosen
        return [arm for arm in arms if sees_training_rows(arm) or self.prompt_twin(condition) == condition]

    def prediction_files(self, name: str, baselines: Sequence[str]) -> list[str]:
        """Return the paths of all predictions tables of this survey, which is called ``name``."""
        return [
            f"results/surveys/{name}/predictions/{method}/{condition}/seed-{seed}.parquet"
            for condition in self.conditions
            for method in [*self.arms_of(condition), *(f"baselines/{baseline}" for baseline in baselines)]
            for seed in self.seeds
        ]

    def prompt_twin(self, condition: str) -> str:
        """Return the first condition whose prompts are the same as those of ``condition``."""
        dropped = set(self.conditions[condition].drop_items)
        return next(name for name, other in self.conditions.items() if set(other.drop_items) == dropped)

    def problems_with(self, codebook: Codebook) -> list[str]:
        """Return what in this survey does not fit its codebook, each with its place."""
        problems = []
        if self.language not in codebook.languages:
            problems.append(
                f"language: '{self.language}' is not in the codebook ({', '.join(codebook.languages)})"
            )
            return problems
        personas = [arm for arm in self.arms if ARMS[arm.split("/")[1]].persona]
        if personas and (
            codebook.persona is None
            or not any(codebook.items[name].has_persona for name in codebook.predictors)
        ):
            problems.append(
                f"arms: '{personas[0]}' needs `persona` in the codebook: its frame, and sentences of its items"
            )
        for name, subgroup in self.subgroups.items():
            for key, chosen in (("keep", subgroup.keep), ("exclude", subgroup.exclude)):
                for item, answers in chosen.items():
                    problems += _problems_with_answers(
                        f"subgroups.{name}.{key}", item, answers, codebook, self.language
                    )
        for name, condition in self.conditions.items():
            for key, chosen in (("exclude", condition.exclude), ("keep", condition.keep)):
                for item, answers in chosen.items():
                    problems += _problems_with_answers(
                        f"conditions.{name}.{key}", item, answers, codebook, self.language
                    )
            problems += [
                f"conditions.{name}.drop_items: no predictor '{item}' in the codebook{near(item, codebook.predictors)}"
                for item in condition.drop_items
                if item not in codebook.predictors
            ]
        return problems


def _problems_with_answers(
    place: str, item: str, answers: list[str], codebook: Codebook, language: str
) -> list[str]:
    if item not in codebook.items:
        return [f"{place}: no item '{item}' in the codebook{near(item, codebook.items)}"]
    known = codebook.items[item].labels(language)
    return [
        f"{place}.{item}: no answer '{answer}'{near(answer, known)}"
        for answer in answers
        if answer not in known
    ]
