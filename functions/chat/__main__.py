"""Serves the chat until the platform says that it is enough."""

from contextlib import suppress

from functions.chat.main import app, chat, http, settings, telemetry
from functions.chat.server import Server, configured, listening
from shared.telemetry.logs import set_up_logging
from shared.telemetry.signals import close_export, prepare_export

_FLUSH_WITHIN_S = 0.5  # with all that comes before it has to be over in ten seconds


async def close() -> None:
    """Do what is to be done last."""
    await http.aclose()
    close_export(_FLUSH_WITHIN_S)


set_up_logging(telemetry)
prepare_export(telemetry)
sockets = [listening(settings.host, settings.port)]
with suppress(KeyboardInterrupt):  # Ctrl-C is no accident
    Server(configured(app), chat, settings.grace_s, close).run(sockets)
