"""Alice's phone stores backups on the server, and she gets them back."""

import gzip
import secrets
import sqlite3
from collections.abc import Mapping
from contextlib import closing
from typing import Any

from scripts.client.api import Api
from scripts.client.backend import API_KEY_HEADER
from scripts.client.journey.steps import Steps, expect

_PROBE = {"X-LiftLog-Probe": "true", "Content-Length": "0"}
_CONTENT = {"Content-Type": "application/octet-stream"}


async def back_up(steps: Steps, api: Api) -> None:
    """Upload two backups, read them, and delete them."""
    await steps.take(
        "Alice tests the place of her backups", api.send("POST", "/backup", headers=_PROBE)
    )
    await steps.take_refused(
        "Bob, without credentials, cannot read backups",
        401,
        api.with_headers({}).send("GET", "/backups"),
    )
    before = await _ids(api)
    first, second = _backup(), _backup()
    await steps.take(f"Alice's phone uploads a backup of {len(first)} bytes", _upload(api, first))
    await steps.take("Alice's phone uploads the same backup again", _upload(api, first))
    listed = await steps.take("Alice lists her backups: there is one more", _listed(api))
    new = [entry for entry in listed if entry["id"] not in before]
    expect(len(new) == 1, f"{len(new)} new backups instead of one")
    expect(listed[0] == new[0], "the newest backup is not the first one")
    expect(new[0]["sizeBytes"] == len(first), "the size is different")
    latest = await steps.take("Alice reads her latest backup", api.send("GET", "/backup/latest"))
    expect(latest.content == first, "the latest backup has other bytes")
    await steps.take(
        "Alice's older phone uploads to `/backup?user=alice`",
        _upload(api.with_headers(_of_older_app(api.headers)), second, "?user=alice"),
    )
    earlier = await steps.take("Alice reads the first backup by its id", _read(api, new[0]["id"]))
    expect(earlier == first, "the first backup has other bytes")
    own = [backup for backup in await _ids(api) if backup not in before]
    for backup in own:
        await steps.take("Alice deletes a backup", api.send("DELETE", f"/backup/{backup}"))
        await steps.take_refused("It is not found", 404, _read(api, backup))
    expect(len(own) == 2, f"{len(own)} new backups instead of two")  # noqa: PLR2004


def _backup() -> bytes:
    """Return the gzip of a small SQLite database, as the app uploads it."""
    with closing(sqlite3.connect(":memory:")) as database:
        database.execute("CREATE TABLE workouts (name TEXT)")
        database.execute("INSERT INTO workouts VALUES (?)", (secrets.token_hex(),))
        database.commit()
        return gzip.compress(database.serialize())


async def _upload(api: Api, content: bytes, query: str = "") -> None:
    await api.send("POST", f"/backup{query}", headers=_CONTENT, content=content)


async def _read(api: Api, backup_id: str) -> bytes:
    return (await api.send("GET", f"/backup/{backup_id}")).content


async def _listed(api: Api) -> list[dict[str, Any]]:
    listed: list[dict[str, Any]] = (await api.call("GET", "/backups"))["backups"]
    return listed


async def _ids(api: Api) -> list[str]:
    return [entry["id"] for entry in await _listed(api)]


def _of_older_app(headers: Mapping[str, str]) -> dict[str, str]:
    """Return the headers with the older spelling of the API key's name."""
    key = API_KEY_HEADER.lower()
    return {"X-Api-Key" if name.lower() == key else name: each for name, each in headers.items()}
