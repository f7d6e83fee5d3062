"""Adapter from the Functions Framework to an ASGI app."""

from collections.abc import Awaitable, Callable

from starlette.requests import Request
from starlette.types import ASGIApp

from shared.telemetry.logs import set_up_logging
from shared.telemetry.settings import TelemetrySettings
from shared.telemetry.signals import prepare_export


def as_function(app: ASGIApp) -> Callable[[Request], Awaitable[ASGIApp]]:
    """Set up telemetry, and return a function to deploy as the target `main`.

    The framework accepts only functions. It calls the ASGI app that a function returns.
    """
    settings = TelemetrySettings()
    set_up_logging(settings)
    prepare_export(settings)

    async def main(_request: Request) -> ASGIApp:
        return app

    return main
