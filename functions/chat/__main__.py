"""Serves the chat until the platform says that it is enough."""

import logging
from contextlib import suppress

from functions.chat.main import app, chat, http, settings
from functions.chat.server import Server, configured, listening
from shared.telemetry import set_up_logging

logging.basicConfig(format="%(levelname)s: %(message)s")
set_up_logging()
sockets = [listening(settings.host, settings.port)]
with suppress(KeyboardInterrupt):  # Ctrl-C is no accident
    Server(configured(app), chat, settings.grace_s, http.aclose).run(sockets)
