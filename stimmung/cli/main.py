"""Commands around a study: draft a codebook, check a study, look at its prompts.

stimmung draft-codebook FILE --target COLUMN [--items COLUMN …] [--output codebooks/mine.yaml]
stimmung check studies/mine.yaml [--items]
stimmung prompts studies/mine.yaml --show 3
stimmung schema
"""

import argparse
import logging
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from stimmung.cli.check import check_study
from stimmung.cli.preview import shown_prompts
from stimmung.cli.schema import write_schema
from stimmung.data.surveys.drafting import draft_codebook
from stimmung.data.surveys.survey_files import read_survey_file
from stimmung.study.reading import load_codebook, merged_config
from stimmung.study.study import load_study
from stimmung.vocabulary.atomic_files import write_atomic
from stimmung.vocabulary.errors import InputError


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit status."""
    chosen = _parser().parse_args(arguments)
    # What a user should know is printed; without a handler, Python would print it a second time.
    logging.getLogger().addHandler(logging.NullHandler())
    try:
        status = int(chosen.command(chosen) or 0)
        sys.stdout.flush()
    except InputError as error:
        print(error, file=sys.stderr)
        return 1
    except BrokenPipeError:
        # Piped into `head`, say. What Python still holds back must not be written at exit either.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    return status


def draft(chosen: argparse.Namespace) -> None:
    """Write a first codebook of a survey file, or print it."""
    columns = [*chosen.items, chosen.target] if chosen.items else None
    survey = read_survey_file(chosen.file, columns, chosen.encoding)
    if columns is None and chosen.target not in survey.codes:
        # The target was given by its label, and a file that is read as a whole knows only names.
        names = {label: name for name, label in reversed(survey.variable_labels.items())}
        chosen.target = names.get(chosen.target, chosen.target)
        read_survey_file(chosen.file, [chosen.target], chosen.encoding)
    drafted = draft_codebook(
        survey,
        source=chosen.file,
        target=chosen.target,
        items=chosen.items,
        language=chosen.language,
        leave_out=[chosen.weight] if chosen.weight else [],
    )
    if (path := chosen.output) is None:
        print(drafted.text, end="")
    else:
        if path.exists():
            raise InputError(f"{path} already exists", "Name another file with --output, or move it away.")
        write_atomic(path, drafted.text)
        load_codebook(path)
        print(
            f"{path}: a draft, with {drafted.n_questions} questions at its head. Then write a study's file and check it."
        )
    for column, reason in drafted.left_out.items():
        print(f"left out: {column}: {reason}", file=sys.stderr)


def check(chosen: argparse.Namespace) -> int:
    """Print everything that is wrong with a study, or what it will do."""
    found = check_study(merged_config(chosen.config), items=chosen.items)
    for what, hint in found.problems:
        print(InputError(what, hint), file=sys.stderr)
    if found.problems:
        return 1
    print("\n".join([*found.plan, "No problems found."]))
    return 0


def prompts(chosen: argparse.Namespace) -> None:
    """Print prompts as the models will see them."""
    study = load_study(merged_config(chosen.config))
    which = {"survey": chosen.survey, "condition": chosen.condition, "real": chosen.real}
    for line in shown_prompts(study, chosen.show, **which):
        print(line)


def schema(chosen: argparse.Namespace) -> None:
    """Write the config's JSON Schema and its page of the documentation."""
    print(*write_schema(chosen.folder), sep="\n")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="stimmung", description="Commands around a study.")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    study = argparse.ArgumentParser(add_help=False)
    study.add_argument("config", nargs="+", type=Path, help="studies/mine.yaml; later files override earlier")

    new = commands.add_parser("draft-codebook", help="a first codebook from the labels of a survey file")
    new.set_defaults(command=draft)
    new.add_argument("file", help="a file of SPSS, Stata or SAS, csv, xlsx or parquet")
    new.add_argument("--target", required=True, metavar="COLUMN", help="item to predict, by name or label")
    others = "the other items, in the order of the prompt (default: all)"
    new.add_argument("--items", nargs="+", default=[], metavar="COLUMN", help=others)
    new.add_argument("--weight", metavar="COLUMN", help="the survey weight, which is not an item")
    new.add_argument("--language", default="en", help="the language of the labels (default: en)")
    new.add_argument("--encoding", help="of the file's texts (default: found; docs/reading.md)")
    new.add_argument("--output", type=Path, help="where to write it (default: the terminal)")

    checked = commands.add_parser(
        "check", parents=[study], help="everything that is wrong with a study, at once"
    )
    checked.set_defaults(command=check)
    summary = (
        "also a line for each item: answers, missing ones by reason, lowest and highest, options that occur"
    )
    checked.add_argument("--items", action="store_true", help=summary)

    shown = commands.add_parser("prompts", parents=[study], help="prompts as the models will read them")
    shown.description = "Prints prompts of made-up respondents; with --real, of people."
    shown.set_defaults(command=prompts)
    shown.add_argument("--show", type=int, default=3, metavar="N", help="how many respondents (default: 3)")
    shown.add_argument("--survey", help="only this survey")
    shown.add_argument("--condition", help="the prompts of this condition (default: the first)")
    shown.add_argument("--real", action="store_true", help="read the survey's file and print real answers")

    written = commands.add_parser("schema", help="write config.schema.json and docs/configuration.md")
    written.set_defaults(command=schema)
    written.add_argument("folder", nargs="?", type=Path, default=Path(), help="where (default: here)")
    return parser


if __name__ == "__main__":
    sys.exit(main())
