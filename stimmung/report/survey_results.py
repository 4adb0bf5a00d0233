"""What the results of a survey are computed from and shown with, and what their tables and captions share."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import pandas as pd

from stimmung.evaluation.estimates.survey_design import design_table
from stimmung.evaluation.votes.condition_roles import Conditions, reference_conditions
from stimmung.evaluation.votes.fidelity import Fidelity, compare_fidelity
from stimmung.evaluation.votes.fold_metrics import measure_folds
from stimmung.evaluation.votes.subgroup_metrics import members
from stimmung.report.result import Result, Tables
from stimmung.report.result_registry import VOTES, load
from stimmung.vocabulary.parquet_tables import empty_table
from stimmung.vocabulary.votes_schemas import GROUP, RECTIFIED, options_of

INTERVAL = "In brackets the 95 % interval over folds, corrected for shared training rows (Nadeau and Bengio 2003) and stratification."
WHISKERS = (
    "Coloured: language models; grey: baselines. Whiskers: 95 % interval over test folds, corrected for the training rows that folds "
    "share (Nadeau and Bengio 2003)."
)


@dataclass(frozen=True, kw_only=True)
class SurveyData:
    """The predictions of one survey by all methods under all conditions, and whom they are about."""

    predictions: pd.DataFrame
    scaled: pd.DataFrame  # the same rows, calibrated
    splits: pd.DataFrame
    draws: pd.DataFrame  # imputed answers, of no method for a survey without `impute`
    respondents: pd.DataFrame
    conditions: Conditions  # as in the config
    # Name to keep and exclude, in the words of the survey's language.
    subgroups: Mapping[str, Mapping[str, Any]]
    weighted: bool  # whether survey weights count in every metric, and not only in shares
    target: str  # the item that is predicted
    # The number of each option of a target whose options stand in an order: of a numeric item its own, else the place.
    option_values: Sequence[float] | None = None
    rectified: pd.DataFrame = field(default_factory=lambda: empty_table(RECTIFIED))

    @property
    def design(self) -> pd.DataFrame:
        """The stratum and the cluster of each respondent, by respondent_id, where the survey has any."""
        return design_table(self.respondents)

    @property
    def answers(self) -> "pd.Series[str]":
        """What each respondent answered to the target, a categorical by respondent_id; also those whom no condition tests."""
        given = self.respondents.set_index("respondent_id")[self.target]
        return pd.Series(pd.Categorical(given, options_of(self.predictions)), given.index)

    @property
    def groups(self) -> "pd.Series[str] | None":
        """What each respondent belongs to, by respondent_id, if the survey has groups."""
        return self.respondents.set_index("respondent_id").get(GROUP)

    @property
    def members(self) -> dict[str, list[str]]:
        """The ids of each subgroup's respondents."""
        chosen = {name: (one.get("keep", {}), one.get("exclude", {})) for name, one in self.subgroups.items()}
        return {name: members(self.respondents, *answers) for name, answers in chosen.items()}

    @cached_property
    def parts(self) -> "list[SurveyData]":
        """The same of conditions that test the same respondents: all together, but for those that leave respondents out."""
        keys = {name: str(one.get("left_out") or "") for name, one in self.conditions.items()}
        if len(set(keys.values())) < 2:
            return [self]
        return [
            self._part([name for name in keys if keys[name] == key]) for key in dict.fromkeys(keys.values())
        ]

    def _part(self, names: Sequence[str]) -> "SurveyData":
        chosen = self.predictions["condition"].isin(names).to_numpy()
        tested = set(self.predictions["respondent_id"][chosen])
        present = [name for name, ids in self.members.items() if tested.intersection(ids)]
        return replace(
            self,
            predictions=self.predictions[chosen].reset_index(drop=True),
            scaled=self.scaled[chosen].reset_index(drop=True),
            conditions={name: self.conditions[name] for name in names},
            subgroups={name: self.subgroups[name] for name in present},
        )

    def by_part(self, compute: "Callable[[SurveyData], pd.DataFrame]") -> pd.DataFrame:
        """Return what is computed of each of ``parts``, one below the other."""
        found = [compute(part) for part in self.parts]
        return found[0] if len(found) == 1 else pd.concat(found, ignore_index=True)

    @cached_property
    def fidelity(self) -> Fidelity:
        """How like people the predictions of one of ``parts`` are, which two results show."""
        return compare_fidelity(
            self.predictions, self.respondents, self.target, self.members, option_values=self.option_values
        )

    @cached_property
    def folds(self) -> pd.DataFrame:
        """The FOLD_METRICS table, which most results are computed from."""
        return measure_folds(
            self.predictions, self.splits, self.weighted, option_values=self.option_values, groups=self.groups
        )


@dataclass(frozen=True, kw_only=True)
class SurveyTables(Tables):
    """The stored tables of one survey, and its conditions as in the config."""

    conditions: Conditions

    @property
    def subjects(self) -> list[str]:
        """All methods of the survey; by its place among them, each looks alike in all figures."""
        return list(self["metrics"]["method"].unique())

    @property
    def references(self) -> list[str]:
        """The conditions that train on all rows."""
        return reference_conditions(self.conditions)

    @property
    def folded(self) -> Collection[str]:
        """The conditions that do not."""
        return set(self.conditions) - set(self.references)

    @property
    def filling(self) -> str:
        """What filled and open marks stand for, in words; nothing for a single condition."""
        first, *others = self.references
        return f"Filled: {first}; open: {', '.join(others)}. " if others else ""


SurveyResult = Result[SurveyData, SurveyTables]


def votes_results() -> "list[SurveyResult]":
    """Return the results of a survey in the order of the report."""
    import stimmung.report.votes  # whose modules import this one; the code digest follows it to all of them

    return load(stimmung.report.votes.__name__, VOTES)
