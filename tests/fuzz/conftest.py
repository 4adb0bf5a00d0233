"""Say at the end of `make fuzz` how many inputs were tried."""

from tests.fuzz.budget import MANY, TRIED


def pytest_terminal_summary(terminalreporter):
    if MANY:
        terminalreporter.write_line(
            f"inputs: {TRIED['read']} read back, {TRIED['refused']} refused with one line"
        )
