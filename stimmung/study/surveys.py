"""The `surveys` section of the config: one survey file, its conditions, and the methods that predict it."""

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Literal, Self

from pydantic import BeforeValidator, Field, ValidationInfo, model_validator

from stimmung.study.conditions import combined_conditions
from stimmung.vocabulary.arms import ARMS, sees_training_rows
from stimmung.vocabulary.codebook import Code, Codebook
from stimmung.vocabulary.errors import near
from stimmung.vocabulary.strict import Strict
from stimmung.workflow.cuts import cut

Baseline = Literal["majority", "logistic", "random-forest", "xgboost", "catboost"]


def _chosen_conditions(conditions: Any, info: ValidationInfo) -> Any:
    """Return the conditions that are run, each made of its parts; the parts themselves need not be run."""
    combined = combined_conditions(conditions)
    only = info.data.get("only")
    if only is None or not isinstance(combined, dict):
        return combined
    unknown = [f"only: no condition '{name}'{near(name, combined)}" for name in only if name not in combined]
    if unknown:
        raise ValueError("; ".join(unknown))
    return {name: condition for name, condition in combined.items() if name in only}


class Condition(Strict):
    """An experiment on the training rows. Test folds are the same in every condition."""

    exclude: dict[str, list[str]] = Field(
        {},
        description="Item to answers, in any language of the codebook: who gave one of them leaves the training rows.",
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
    complete: bool = Field(
        False,
        description="Only respondents with an answer to every item of the prompt stay in the training rows.",
    )
    same_size_as: str | None = Field(
        None, description="A stratified draw of as many training rows as this other condition has."
    )
    combine: list[str] = Field(
        [], description="Other conditions, whose exclusions, drops and draws this one has as well."
    )
    arms: list[str] | None = Field(None, description="Only these arms of the survey. None: all.")

    @model_validator(mode="after")
    def _draws_once(self) -> Self:
        if self.share is not None and self.same_size_as is not None:
            raise ValueError("share and same_size_as both say how many rows are drawn; give one")
        return self

    @property
    def changes_training_only(self) -> bool:
        """Whether prompts are those of the survey as it stands, so that an untuned model answers the same."""
        return not self.drop_items


class SurveySimulation(Strict):
    """A survey file of made-up respondents, as the archive would write it."""

    n_respondents: int = Field(
        2000, gt=0, description="Rows that pass the survey's `where`; some others do not."
    )
    seed: int = Field(1, ge=0, description="Decides everything.")
    layout: str | None = Field(
        None,
        description="A YAML file with the archive's variable names, codes and labels. null: from the codebook.",
    )


class Subgroup(Strict):
    """A part of the tested respondents that is also measured alone. Who gave no answer to a named item is in none."""

    keep: dict[str, list[str]] = Field({}, description="Item to answers: who gave one of them.")
    exclude: dict[str, list[str]] = Field({}, description="Item to answers: who gave another one.")


class Survey(Strict):
    """One survey: where it is, who is in it, what is tried on it."""

    file: str | None = Field(
        None, description="A .csv, .parquet, .sav or .dta file, or 'statsmodels:anes96'."
    )
    simulate: SurveySimulation | None = Field(
        None, description="Instead of the file: made-up respondents, marked as such everywhere."
    )
    codebook: str = Field(description="The YAML file that turns codes into words.")
    where: dict[str, list[Code]] = Field(
        {}, description="Column to codes or value labels: only these rows are read."
    )
    where_not: dict[str, list[Code]] = Field(
        {}, description="Column to codes or value labels: these rows are not read."
    )
    weight: str | None = Field(
        None, description="The column of the survey weight. None: every respondent counts 1."
    )
    weighted_metrics: bool = Field(
        False, description="Weights count in every metric, not in the shares only."
    )
    language: str = Field("en", description="The language of the prompts, one of the codebook's.")
    split_seed: int = Field(24, description="Draws the folds and the shares.")
    only: list[str] | None = Field(None, description="The conditions that are run, by name. None: all.")
    conditions: Annotated[dict[str, Condition], BeforeValidator(_chosen_conditions)] = Field(
        description="The experiments, by name."
    )
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
            problems += self._problems_with_size(name, condition.same_size_as)
        if not self.conditions:
            problems.append("conditions: needs at least one")
        if self.file is None and self.simulate is None:
            problems.append("needs a 'file', or 'simulate' for made-up respondents")
        if problems:
            raise ValueError("; ".join(problems))
        return self

    def _problems_with_size(self, name: str, other: str | None) -> list[str]:
        if other is None:
            return []
        place = f"conditions.{name}.same_size_as"
        if other not in self.conditions:
            return [f"{place}: no condition '{other}'{near(other, self.conditions)}"]
        if self.conditions[other].same_size_as is not None:
            return [f"{place}: '{other}' takes its own size from another condition"]
        return []

    def n_adapters(self, folds: int) -> int:
        """Return how many adapters this survey needs: one for each tuned arm, condition, seed and fold."""
        arms = [arm for name in self.conditions for arm in self.arms_of(name)]
        tuned = [arm for arm in arms if ARMS[arm.split("/")[1]].tuned]
        return len(tuned) * len(self.seeds) * folds

    def selection(self, condition: str, codebook: Codebook) -> dict[str, Any]:
        """Return what a condition does to the training rows, as :func:`split_condition` takes it."""
        chosen = self.conditions[condition]
        return {
            "exclude": self._in_language(chosen.exclude, codebook),
            "keep": self._in_language(chosen.keep, codebook),
            "complete": codebook.predictors_without(chosen.drop_items) if chosen.complete else [],
            "share": chosen.share,
        }

    def subgroups_in_words(self, codebook: Codebook) -> dict[str, dict[str, dict[str, list[str]]]]:
        """Return the subgroups with their answers in the survey's language."""
        return {
            name: {
                "keep": self._in_language(group.keep, codebook),
                "exclude": self._in_language(group.exclude, codebook),
            }
            for name, group in self.subgroups.items()
        }

    def _in_language(self, chosen: dict[str, list[str]], codebook: Codebook) -> dict[str, list[str]]:
        """Return answers in the survey's language, so that a study keeps its conditions in another one."""
        translated = {}
        for item, answers in chosen.items():
            words = {
                label: own
                for language in [*codebook.languages, self.language]
                for label, own in zip(
                    codebook.items[item].labels(language),
                    codebook.items[item].labels(self.language),
                    strict=True,
                )
            }
            translated[item] = [words[answer] for answer in answers]
        return translated

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

    def seeds_of(self, method: str) -> list[int]:
        """Return the seeds that a method runs with."""
        # Nothing is drawn for one that sees no training rows: with every seed it says the same.
        return self.seeds if sees_training_rows(method) else self.seeds[:1]

    def prediction_files(
        self, name: str, baselines: Sequence[str], seeds_per_table: Mapping[str, int] | None = None
    ) -> list[str]:
        """Return the paths of all predictions tables of this survey.

        Parameters
        ----------
        name
            What the survey is called.
        baselines
            Of the run.
        seeds_per_table
            Arm to the seeds that stand in one table, which has the name of the first of them; 1 of all others.
        """
        per_table = seeds_per_table or {}
        return [
            f"results/surveys/{name}/predictions/{method}/{condition}/seed-{seeds[0]}.parquet"
            for condition in self.conditions
            for method in [*self.arms_of(condition), *(f"baselines/{baseline}" for baseline in baselines)]
            for seeds in cut(self.seeds_of(method), per_table.get(method, 1))
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
                    problems += _problems_with_answers(f"subgroups.{name}.{key}", item, answers, codebook)
        for name, condition in self.conditions.items():
            for key, chosen in (("exclude", condition.exclude), ("keep", condition.keep)):
                for item, answers in chosen.items():
                    problems += _problems_with_answers(f"conditions.{name}.{key}", item, answers, codebook)
            problems += [
                f"conditions.{name}.drop_items: no predictor '{item}' in the codebook{near(item, codebook.predictors)}"
                for item in condition.drop_items
                if item not in codebook.predictors
            ]
        return problems


def _problems_with_answers(place: str, item: str, answers: list[str], codebook: Codebook) -> list[str]:
    if item not in codebook.items:
        return [f"{place}: no item '{item}' in the codebook{near(item, codebook.items)}"]
    known = [label for language in codebook.languages for label in codebook.items[item].labels(language)]
    return [
        f"{place}.{item}: no answer '{answer}'{near(answer, known)}"
        for answer in answers
        if answer not in known
    ]
