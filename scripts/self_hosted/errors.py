"""The error that ends a command of `./scripts/serve` with one line."""


class CannotServeError(Exception):
    """The command cannot run. The message names the reason and the next step."""
