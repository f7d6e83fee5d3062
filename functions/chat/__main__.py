"""Serves the chat until the process receives a signal."""

from contextlib import suppress

from functions.chat.main import app, chat, resources, settings, telemetry
from functions.chat.server import Server, build_config, open_listener
from shared.telemetry.logs import set_up_logging
from shared.telemetry.signals import close_export, prepare_export

# Cloud Run kills the process 10 s after SIGTERM. Grace period and closing take up to 9 s of it.
_FLUSH_TIMEOUT_S = 0.5


async def close() -> None:
    """Close outgoing connections and export the remaining telemetry."""
    await resources.http.aclose()
    close_export(_FLUSH_TIMEOUT_S)


set_up_logging(telemetry)
prepare_export(telemetry)
sockets = [open_listener(settings.host, settings.port)]
with suppress(KeyboardInterrupt):  # Ctrl-C must not print a traceback
    Server(build_config(app), chat, settings.grace_s, close).run(sockets)
