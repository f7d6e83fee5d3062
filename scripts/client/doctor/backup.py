"""Checks of `POST /backup`, with the app's probe: the server stores nothing."""

from http import HTTPStatus
from urllib.parse import urlsplit

from scripts.client.backend import DEBUG_KEY, Backend
from scripts.client.doctor.address import is_loopback
from scripts.client.doctor.causes import cause_of
from scripts.client.doctor.credentials import rejected
from scripts.client.doctor.features import Offer
from scripts.client.doctor.findings import Feature, Finding, Severity
from scripts.client.doctor.server import Server

PATH = "/backup"
PROBE = {"X-LiftLog-Probe": "true"}
_BACKUP = frozenset({Feature.BACKUP})
_NO_PLACE = Finding(
    "the server has no place for backups (422)",
    "Set BACKUP_FOLDER or BACKUP_BUCKET in the settings of the server.",
    _BACKUP,
    Severity.OFF,
)
_SWITCHED_OFF = Finding(
    "it is switched off (423)",
    "To switch it on, remove BACKUP_ENABLED from the settings, or set it to True.",
    _BACKUP,
    Severity.OFF,
)
_OFF = Finding(
    "it is off or not configured: `/features` has false",
    "Set BACKUP_FOLDER or BACKUP_BUCKET, and API_KEYS. Do not set BACKUP_ENABLED to False.",
    _BACKUP,
    Severity.OFF,
)


async def check_backup(server: Server, offer: Offer) -> list[Finding]:
    """Probe as the app does."""
    answer = await server.ask("POST", PATH, headers={**PROBE, "Content-Length": "0"})
    match answer.status:
        case HTTPStatus.OK if not answer.is_page:
            return check_key(server.backend)
        case HTTPStatus.LOCKED:
            return [_SWITCHED_OFF]
        case HTTPStatus.UNPROCESSABLE_ENTITY:
            return [_NO_PLACE]
        case HTTPStatus.UNAUTHORIZED if offer.allows(Feature.BACKUP):
            return [rejected(server, answer, Feature.BACKUP)]
        # The server answers unknown callers 401, whether backups are on or off.
        case HTTPStatus.UNAUTHORIZED:
            return [_OFF]
    return [cause_of(answer, server.backend.base).finding(f"POST {PATH}", _BACKUP)]


def check_key(backend: Backend) -> list[Finding]:
    """Note who else can use the API key of a backend."""
    key, host = backend.api_key, urlsplit(backend.base).hostname or ""
    if key is None:
        return []
    if key == DEBUG_KEY and not is_loopback(host):
        return [
            Finding(
                "the API key is that of the app's debug build, which everyone knows",
                "Set another key in API_KEYS. Until then, everyone can read and delete backups.",
                _BACKUP,
            )
        ]
    return [
        Finding(
            "all holders of this API key share its backups: each can read and delete those of the "
            "others",
            "Give each person a key: API_KEYS=alice=KEY1,bob=KEY2. A key without a name belongs to "
            "the user `default`.",
            _BACKUP,
            Severity.WARNING,
        )
    ]
