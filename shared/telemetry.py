"""What goes to the log."""

import logging
import traceback

_OURS = ("functions", "shared")
_TALKATIVE = ("google", "httpcore2", "httpx2", "openai", "urllib3")
"""Libraries that write addresses at INFO and whole requests at DEBUG, with the tokens in them."""


def set_up_logging() -> None:
    """Let our own INFO lines through, and of libraries that know secrets only their warnings."""
    for name in _OURS:
        logging.getLogger(name).setLevel(logging.INFO)
    for name in _TALKATIVE:
        logging.getLogger(name).setLevel(logging.WARNING)


def whereabouts(error: Exception) -> str:
    """Return the frames that an unforeseen error came through, for the log.

    Its message may hold anything, a payload for instance: it stays out.
    """
    return " > ".join(
        f"{frame.filename}:{frame.lineno} {frame.name}"
        for frame in traceback.extract_tb(error.__traceback__)
    )
