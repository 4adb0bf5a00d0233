"""What a user must know although nothing failed: on the terminal, and in the log of a job."""

import logging
import sys

logger = logging.getLogger(__name__)

MAX_LOST_SHARE = 0.01  # a choice: of what a reader may leave out before that is an error


def tell(message: str) -> None:
    """Say on the terminal, and in the log if there is one, what was left out, guessed or merged."""
    if logging.getLogger().handlers:
        logger.warning(message)
    print(message, file=sys.stderr)
