"""A script's function, called with what its rule gives: by name, each value as the parameter's annotation says."""

import inspect
from collections.abc import Callable, Iterable
from typing import Any, get_type_hints

from pydantic import TypeAdapter, ValidationError

from stimmung.workflow.job import job

# A digest of the code that a rule runs, and files that must be there before it: they make a rule run again or wait, and are no
# parameters of its function.
NOT_PASSED = {"code", "after"}


def run(function: Callable[..., None], snakemake: Any) -> None:
    """Call a script's function with the inputs, outputs and params of its rule, within :func:`job`.

    A value is converted to what the keyword-only parameter is annotated with: a path, a number, a list of paths, or a model of the
    config. A file that a rule lists under one name arrives as it is, several as a list. ``threads`` is passed to who asks for it.

    Raises
    ------
    TypeError
        If rule and function do not have the same names, or a value does not fit its annotation.
    """
    with job(snakemake):
        function(**arguments_of(function, snakemake))


def arguments_of(function: Callable[..., None], snakemake: Any) -> dict[str, Any]:
    """Return the arguments for ``function``; errors as in :func:`run`."""
    given: dict[str, Any] = {}
    for section in (snakemake.input, snakemake.output, snakemake.params):
        named = dict(section.items())
        if twice := given.keys() & named.keys():
            raise TypeError(f"rule {snakemake.rule} gives {', '.join(sorted(twice))} more than once")
        given |= named
    given["threads"] = snakemake.threads
    if problem := mismatch(function, given):
        raise TypeError(f"rule {snakemake.rule} and {function.__name__} do not fit: {problem}")
    arguments = {}
    for name, annotation in get_type_hints(function).items():
        if name in given:
            # Snakemake's own lists are subclasses, which pydantic would hand on as they are.
            value = list(given[name]) if isinstance(given[name], list) else given[name]
            try:
                arguments[name] = TypeAdapter(annotation).validate_python(value)
            except ValidationError as error:
                raise TypeError(f"{name}: {error.error_count()} value(s) do not fit {annotation}") from error
    return arguments


def mismatch(function: Callable[..., None], given: Iterable[str]) -> str:
    """Return how the names that a rule gives differ from a function's parameters; nothing if they do not."""
    parameters = inspect.signature(function).parameters
    names = set(given) - NOT_PASSED
    needed = {name for name, one in parameters.items() if one.default is inspect.Parameter.empty}
    differences = {
        "the rule lacks": needed - names,
        "the function has no": names - set(parameters) - {"threads"},
    }
    return "; ".join(f"{what} {', '.join(sorted(some))}" for what, some in differences.items() if some)
