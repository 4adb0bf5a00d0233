"""A stack says where an exception came from, and nothing of what it says."""

import errno

import pytest

from stimmung.vocabulary.errors import did_you_mean
from stimmung.vocabulary.redacted_traceback import kind_of, place_of, redacted_traceback

POST = "Quillfeather slept badly"


def caught(function):
    try:
        function()
    except BaseException as error:
        return error
    raise AssertionError("nothing was raised")


def fails():
    raise ValueError(POST)


def fails_while_dealing():
    try:
        fails()
    except ValueError as error:
        error.add_note(POST)
        raise KeyError(POST)  # noqa: B904


def fails_because():
    try:
        fails_while_dealing()
    except KeyError as error:
        raise RuntimeError(POST) from error


def fails_in_two_ways():
    raise ExceptionGroup(POST, [caught(fails), caught(fails_because)])


@pytest.mark.parametrize("function", [fails, fails_while_dealing, fails_because, fails_in_two_ways])
def test_no_message_of_an_exception_or_of_what_led_to_it_is_told(function):
    told = redacted_traceback(caught(function))
    assert POST not in told and "Quillfeather" not in told
    assert "in fails" in told and "test_redacted_traceback.py" in told


def test_the_chain_is_told_from_the_first_to_the_last():
    kinds = [
        line for line in redacted_traceback(caught(fails_because)).splitlines() if line.endswith("Error")
    ]
    assert kinds == ["ValueError", "KeyError", "RuntimeError"]


def test_what_was_hidden_on_purpose_stays_hidden_and_a_circle_ends():
    def hides():
        try:
            fails()
        except ValueError:
            raise KeyError(POST) from None

    assert "ValueError" not in redacted_traceback(caught(hides))
    one, two = caught(fails), caught(fails_because)
    one.__cause__, two.__cause__ = two, one
    assert redacted_traceback(one).count("RuntimeError") == 1


def test_the_system_s_own_words_are_told_and_a_library_s_in_their_place_are_not():
    assert kind_of(OSError(errno.EACCES, POST, POST)) == "PermissionError (Permission denied)"
    assert kind_of(OSError(POST)) == "OSError"


def test_the_place_is_the_innermost_line_of_the_package():
    assert place_of(caught(lambda: did_you_mean("a", 1))).startswith("stimmung/vocabulary/errors.py:")
    assert place_of(caught(fails)).startswith("test_redacted_traceback.py:")
