"""What goes to the log."""

import logging

_TALKATIVE = ("google", "httpcore2", "httpx2", "openai", "urllib3")
"""Libraries that write addresses at INFO and whole requests at DEBUG, with the tokens in them."""


def set_up_logging() -> None:
    """Let our own INFO lines through, and of libraries that know secrets only their warnings."""
    logging.getLogger("shared").setLevel(logging.INFO)
    for name in _TALKATIVE:
        logging.getLogger(name).setLevel(logging.WARNING)
