"""Serves the chat until the platform says that it is enough."""

from contextlib import suppress

from functions.chat.main import app, chat, http, settings, telemetry
from functions.chat.server import Server, configured, listening
from shared.telemetry.logs import set_up_logging

set_up_logging(telemetry)
sockets = [listening(settings.host, settings.port)]
with suppress(KeyboardInterrupt):  # Ctrl-C is no accident
    Server(configured(app), chat, settings.grace_s, http.aclose).run(sockets)
