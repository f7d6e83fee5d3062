"""The way from the Functions Framework into an app."""

from collections.abc import Awaitable, Callable
from typing import Any

from starlette.requests import Request
from starlette.types import ASGIApp

from shared.telemetry.logs import set_up_logging
from shared.telemetry.settings import TelemetrySettings
from shared.telemetry.signals import prepare_export


def as_function(app: ASGIApp) -> Callable[[Request], Awaitable[Any]]:
    """Return a function to register as the target `main`: its answer to every request is `app`.

    The framework takes functions only, and hands what they return the request's channels.
    """
    settings = TelemetrySettings()
    set_up_logging(settings)
    prepare_export(settings)

    async def main(_request: Request) -> Any:  # noqa: ANN401 - the framework's types know no apps
        return app

    return main
