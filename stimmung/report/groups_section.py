"""The chapter about a survey of groups: how near predicted shares of answers are to the observed ones."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from stimmung.report.group_results import GroupTables, group_results
from stimmung.report.page import Facts, Part, Section, Text
from stimmung.report.result import parts_of
from stimmung.report.run_section import adapter_facts, noise_facts


def groups_section(
    name: str,
    run: Mapping[str, Any],
    tables: GroupTables,
    figures: Mapping[str, Path],
    files: Mapping[str, Sequence[str]],
) -> Section:
    """Return the chapter of the survey ``name``; arguments as of ``votes_section``."""
    config = run["config"]
    survey = config["surveys"][name]
    groups = survey["groups"]
    source = (
        "Their shares were given in a file"
        if groups["shares"]
        else f"Their shares are weighted, of the {groups['min_n']} or more respondents who answered"
    )
    design = (
        f"{tables['distributions']['n_groups'].max()} groups, made by {', '.join(groups['by'])}. {source}. Each group is tested once, "
        f"in one of {config['folds']} folds: no adapter and no baseline learned anything of a group that it is tested on, but of "
        "groups that share some of its answers. Adapters learn whole distributions: the loss is the Kullback–Leibler divergence."
    )
    facts = [*adapter_facts(survey, config), *noise_facts(survey, run.get("models", {}))]
    parts = [Part("Design", [Text(design), Facts(facts)]), *parts_of(group_results(), tables, figures, files)]
    return Section(name, str(run["surveys"][name].get("title", name)), parts, bool(tables.mark))
