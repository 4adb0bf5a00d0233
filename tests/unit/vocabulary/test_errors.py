import logging

from stimmung.vocabulary.errors import warn


def test_a_warning_stands_on_the_terminal_once_whether_or_not_a_log_is_open(capsys, caplog):
    warn(logging.Logger("without a log"), "look here")
    assert capsys.readouterr().err == "WARNING: look here\n"
    warn(logging.getLogger("with a log"), "look here")
    assert capsys.readouterr().err == "WARNING: look here\n" and "look here" in caplog.text
