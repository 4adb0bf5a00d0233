"""The `surveys` section of the config: one survey file, its conditions, and the methods that predict it."""

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Annotated, Any, Self

from pydantic import AfterValidator, Field, ValidationInfo, model_validator

from stimmung.study.survey_problems import problems_with_codebook, problems_within
from stimmung.vocabulary.arms import ARMS, FILE_PREFIX, sees_training_rows
from stimmung.vocabulary.calibration_kinds import CalibrationKind
from stimmung.vocabulary.codebook import Codebook
from stimmung.vocabulary.condition import (
    Condition,
    Subgroup,
    combined_conditions,
    one_for_each_target,
    spelled_out,
)
from stimmung.vocabulary.errors import raise_together, unknown
from stimmung.vocabulary.few_shot import FewShot
from stimmung.vocabulary.groups import Groups
from stimmung.vocabulary.imputation_settings import Imputation
from stimmung.vocabulary.not_asked import NotAsked
from stimmung.vocabulary.prediction_file import PredictionFile
from stimmung.vocabulary.rectify import Rectify
from stimmung.vocabulary.row_rules import MAX_LOST_SHARE, Wanted
from stimmung.vocabulary.strict import Strict, TextEncoding, UserPath
from stimmung.vocabulary.view import IN_PATHS, TargetsSee, View, predicted_with


def _chosen_conditions(conditions: dict[str, Condition], info: ValidationInfo) -> dict[str, Condition]:
    """Return the conditions that are run, each made of its parts; the parts themselves need not be run."""
    combined, targets = combined_conditions(conditions), info.data.get("targets") or []
    spelled, every = spelled_out(combined, targets), one_for_each_target(combined, targets)
    only = info.data.get("only")
    if only is None:
        return every
    raise_together(unknown("only", "condition", only, [*combined, *every]))
    wanted = {one for name in only for one in spelled.get(name, [name])}
    return {name: condition for name, condition in every.items() if name in wanted}


# It stands in paths.
MethodName = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]*$")]


class SurveySimulation(Strict):
    """A survey file of made-up respondents, in the form of the archive's."""

    n_respondents: int = Field(2000, gt=0)
    """Rows that pass the survey's `where`; some more do not."""
    seed: int = Field(1, ge=0)
    """Seed of all random draws."""
    layout: UserPath | None = None
    """A YAML file with the archive's variable names, codes and labels. null: taken from the codebook."""


class Survey(Strict):
    """One survey: its file, its respondents, and what is tried on it. Needs `codebook`, and `file` or `simulate`."""

    file: UserPath | None = None
    """A file of SPSS, Stata or SAS, a csv, xlsx or parquet file (docs/reading.md), or 'statsmodels:anes96'."""
    encoding: TextEncoding | None = None
    """The encoding of the file's texts, e.g. cp1251. null: UTF-8 where they are, else as the file declares, else Windows-1252."""
    max_lost_share: float = Field(MAX_LOST_SHARE, ge=0, le=1)
    """Largest share of rows, texts or numbers that may be left out or changed in reading; more is an error."""
    simulate: SurveySimulation | None = None
    """Made-up respondents instead of the file, marked as such everywhere."""
    codebook: UserPath
    """The YAML file that turns codes into words (docs/codebooks.md)."""
    targets: list[str] | None = Field(None, min_length=1)
    """Items of the codebook to predict, all by the same adapters (docs/targets.md). null: the codebook's `target`."""
    targets_see: TargetsSee = "others"
    """What stands in the prompt of one of several targets. others: all other answers; items: only those to items that are no targets,
    so that all targets of a respondent share one beginning. What gives the target away (`gives_away`) never does."""
    groups: Groups | None = None
    """Groups instead of respondents: the shares of the answers in each are predicted, of all targets. null: respondents."""
    where: dict[str, Wanted] = Field({})
    """Column to codes or value labels, or to a rule such as {empty: false, at_least: 18}: only these rows are read."""
    where_not: dict[str, Wanted] = Field({})
    """Column to codes or value labels, or to a rule: these rows are not read."""
    weight: str | None = None
    """The column of the survey weight. null: every respondent counts 1."""
    weighted_metrics: bool = False
    """Whether weights count in every metric. In shares they always do."""
    weighted_training: bool = False
    """Whether each respondent's loss is multiplied by the weight, scaled to a mean of 1 in the training rows, when adapters are tuned.
    The arm `classifier` and baselines are fitted without weights."""
    calibration: CalibrationKind = "temperature"
    """How predicted probabilities are calibrated, for calibrated.parquet and what is made of it: temperature, vector (scaling),
    isotonic (two answer options only) or none. Learned from the tested respondents of the other folds. Other metrics are of the
    probabilities as predicted."""
    group: str | None = None
    """The column that says which rows belong together: a person with several rows, a household, a sampling unit, a country. All rows
    of a group stand in one fold, and are drawn together for `share` and `same_size_as`. null: each row stands for itself."""
    strata: str | None = None
    """The column of the strata that the sample was drawn from. It and `clusters` count in standard errors of shares and estimates."""
    clusters: str | None = None
    """The column of the primary sampling units, within strata. null: the `group`, if there is one; else each respondent is one."""
    language: str = "en"
    """The language of the prompts, one of the codebook's."""
    split_seed: int = 24
    """Seed of the folds and of the drawn shares."""
    only: list[str] | None = None
    """The conditions that are run, by name. null: all."""
    conditions: Annotated[dict[str, Condition], AfterValidator(_chosen_conditions)] = Field(
        {"full": {}}, validate_default=True
    )
    """The experiments, by name. A study's file adds conditions to those of the files below it; `only` chooses among them."""
    subgroups: dict[str, Subgroup] = Field({})
    """Parts of the tested respondents that are also evaluated separately, by name."""
    arms: list[str] = Field(["tiny/tuned", "tiny/zero-shot"])
    """What language models do, as MODEL/ARM. ARM: tuned, zero-shot, few-shot, persona or classifier (docs/arms.md)."""
    few_shot_k: int = Field(4, gt=0)
    """Examples in a few-shot prompt, from the training rows only. A number that does not fit the model's context is an error."""
    few_shot: FewShot = FewShot()
    """How these are chosen."""
    training: str | None = None
    """A preset of `training`. null: `tiny-votes` for the built-in model, `votes` for every other."""
    seeds: list[int] = Field([24], min_length=1)
    """One repetition for each seed of everything that learns or draws. An untuned model without examples runs once."""
    impute: Imputation | None = None
    """Absent answers drawn several times, as data sets for R and Stata and as pooled shares in the report. null: none."""

    predictions: dict[MethodName, PredictionFile] = Field({})
    """Files of predictions that somebody made elsewhere, by the name that they have in tables and figures: files/NAME."""
    rectify: Rectify | None = None
    """Estimates from answers and predictions together, for every method, in rectified/. null: none; {}: shares and the mean."""

    @model_validator(mode="after")
    def _complete(self) -> Self:
        raise_together(problems_within(self))
        return self

    @property
    def of_shares(self) -> bool:
        """Whether shares of groups are given in a file, so that there are no respondents."""
        return self.groups is not None and self.groups.shares is not None

    def imputations(self) -> list[tuple[str, str]]:
        """Return each method that imputes with each condition that it does so under; an arm only where it also predicts.

        None where nobody was asked: there is no answer that it could start from.
        """
        if self.impute is None:
            return []
        return [
            (method, condition)
            for condition in self.conditions
            for method in self.impute.arms
            if self.impute.conditions is None or condition in self.impute.conditions
            if not self.conditions[condition].unasked
            if method not in self.arms or method in self.arms_of(self.predicted_in(method, condition))
            # Of several targets, a file may have some.
            if not method.startswith(FILE_PREFIX) or method.removeprefix(FILE_PREFIX) in self.predictions
        ]

    def predicted_in(self, method: str, condition: str) -> str:
        """Return the condition whose predictions by a method are those under ``condition``, an earlier one if it learns nothing."""
        if method.startswith(FILE_PREFIX):
            return next(iter(self.conditions))
        return condition if sees_training_rows(method) else self.untuned_twin(condition)

    def n_adapters(self, folds: int) -> int:
        """Return how many adapters this survey needs: one for each tuned arm, condition, seed and fold."""
        arms = [arm for name in self.conditions for arm in self.arms_of(name)]
        tuned = [arm for arm in arms if ARMS[arm.split("/")[1]].tuned]
        return len(tuned) * len(self.seeds) * folds

    def views(self, name: str) -> dict[str, "Survey"]:
        """Return each target as a survey of its own, by the name that paths use; of a single target, the survey itself."""
        if len(self.targets or []) < 2:
            return {name: self}
        return {
            name + IN_PATHS + item: self.model_copy(update=self._of_target(item))
            for item in self.targets or []
        }

    def _of_target(self, item: str) -> dict[str, Any]:
        """Return what differs if a survey of several targets had this one only."""
        files = {name: file.of_target(item) for name, file in self.predictions.items()}
        return {
            "targets": [item],
            "conditions": self.testing(item),
            "predictions": {name: one for name, one in files.items() if one is not None},
        }

    def testing(self, item: str) -> dict[str, Condition]:
        """Return the conditions that a target is tested under; its adapters learn it under all of them, or none of its rows."""
        return {name: one for name, one in self.conditions.items() if one.tests(item)}

    def asked(self, codebook: Codebook) -> list[View]:
        """Return what is asked for in each of :meth:`views`."""
        targets = self.targets or [codebook.target]
        return [
            View(item=item, others=[one for one in targets if one != item], see=self.targets_see)
            for item in targets
        ]

    def expanded(self, codebook: Codebook) -> "Survey":
        """Return the survey with the options of each select-all item among its targets in place of that item."""
        if self.targets is None:
            return self
        targets = codebook.targets_of(self.targets)
        conditions = {name: one.expanded(codebook, targets) for name, one in self.conditions.items()}
        return self.model_copy(update={"targets": targets, "conditions": conditions})

    def answered(self, codebook: Codebook) -> Codebook:
        """Return the codebook of the survey's tables and prompts: those of its targets that are numeric have options."""
        return codebook.with_options(self.targets or [codebook.target])

    def in_prompts(self, codebook: Codebook, drop_items: Sequence[str] = ()) -> list[str]:
        """Return the items that stand in the prompt of some target if ``drop_items`` leave, in the order of the codebook."""
        found = {
            name for view in self.asked(codebook) for name in view.of(codebook).predictors_without(drop_items)
        }
        return [name for name in codebook.items if name in found]

    def n_imputation_adapters(self) -> int:
        """Return how many adapters the imputation needs: one for each draw of each tuned arm, condition and target."""
        if self.impute is None:
            return 0
        methods = [method for view in self.views("").values() for method, _ in view.imputations()]
        tuned = [arm for arm in methods if arm in self.arms and ARMS[arm.split("/")[1]].tuned]
        return len(tuned) * self.impute.m

    def selection(self, condition: str, codebook: Codebook) -> dict[str, Any]:
        """Return what a condition does to the training rows, as :func:`split_condition` takes it; the same for all targets."""
        chosen = self.conditions[condition]
        unasked = self.not_asked(condition, codebook)
        left_out = {} if unasked else chosen.left_out_in(codebook, self.language)
        shown = self.in_prompts(codebook, chosen.drop_items) if chosen.complete else []
        # Who was asked for what then counts as never asked must not decide who is learned from.
        complete = [item for item in shown if unasked is None or item not in unasked.items]
        words = chosen.in_words(codebook, self.language)
        return {**words, "complete": complete, "share": chosen.share, "left_out": left_out}

    def not_asked(self, condition: str, codebook: Codebook) -> NotAsked | None:
        """Return the answers that a condition neither learns nor shows; of a single target there are no others that it could keep."""
        several = len(self.targets or []) > 1
        return self.conditions[condition].not_asked_in(codebook, self.language) if several else None

    def subgroups_in_words(self, codebook: Codebook) -> dict[str, dict[str, dict[str, list[str]]]]:
        """Return the subgroups with their answers in the survey's language."""
        return {name: group.in_words(codebook, self.language) for name, group in self.subgroups.items()}

    def models(self) -> list[str]:
        """Return the models that some arm uses."""
        return list(dict.fromkeys(arm.split("/")[0] for arm in self.arms))

    def arms_of(self, condition: str) -> list[str]:
        """Return the arms of ``condition``; one that sees no training rows runs only where no earlier condition has its prompts."""
        chosen = self.conditions[condition].arms
        arms = [arm for arm in self.arms if chosen is None or arm in chosen or arm.split("/")[1] in chosen]
        # Of an answer that nobody was asked for there are no examples.
        unasked = self.conditions[condition].unasked
        arms = [arm for arm in arms if not (unasked and ARMS[arm.split("/")[1]].shows_examples)]
        return [arm for arm in arms if sees_training_rows(arm) or self.untuned_twin(condition) == condition]

    def seeds_of(self, method: str) -> list[int]:
        """Return the seeds that a method runs with: the first only, if it depends on no draw."""
        return self.seeds if sees_training_rows(method) else self.seeds[:1]

    def prediction_files(
        self,
        name: str,
        baselines: Sequence[str],
        models: Collection[str] = (),
        beside: Mapping[str, Sequence[str]] | None = None,
    ) -> list[str]:
        """Return the paths of all predictions tables of a survey of this ``name``: one for each method, condition and seed.

        What a model of ``models`` says of all targets of a survey stands in one file. ``baselines`` learn from training rows, of which
        there are none where nobody was asked; ``beside`` are others, by condition.
        """
        return [
            f"results/surveys/{predicted_with(name, method, models)}/predictions/{method}/{condition}/seed-{seed}.parquet"
            for condition in self.conditions
            for method in [
                *self.arms_of(condition),
                *(
                    f"baselines/{baseline}"
                    for baseline in baselines
                    if not self.conditions[condition].unasked
                ),
                *(f"baselines/{baseline}" for baseline in (beside or {}).get(condition, ())),
                *self.files_of(condition),
            ]
            for seed in self.seeds_of(method)
        ]

    def files_of(self, condition: str) -> list[str]:
        """Return the methods that are files of predictions: under the first condition only, since they are the same under all."""
        return [FILE_PREFIX + name for name in self.predictions if condition == next(iter(self.conditions))]

    def prompt_twin(self, condition: str, item: str | None = None) -> str:
        """Return the first condition whose prompts are the same as those of ``condition``, if they ask for ``item``."""
        return self._first_like(condition, lambda one: (set(one.drop_items), item and one.hides(item)))

    def untuned_twin(self, condition: str) -> str:
        """Return the first condition with the same prompts and the same tested respondents, where what learns nothing is the same."""
        return self._first_like(
            condition, lambda one: (set(one.drop_items), one.left_out, set(one.not_asked))
        )

    def _first_like(self, condition: str, what: Callable[[Condition], object]) -> str:
        mine = what(self.conditions[condition])
        return next(name for name, other in self.conditions.items() if what(other) == mine)

    def problems_with(self, codebook: Codebook) -> list[str]:
        """Return what in this survey does not fit its codebook, each with its place."""
        return problems_with_codebook(self, codebook)
