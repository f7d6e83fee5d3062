"""The export of all documents."""

import json
from collections.abc import Iterator
from uuid import UUID, uuid4

import pytest

from scripts.migration.databases import Databases
from scripts.migration.export import export_all
from shared.errors import DependencyUnavailable
from shared.store.data_model import ALL
from shared.store.engines.protocol import IdPage
from shared.store.settings import DatabaseSettings, QuotaSettings
from tests import emulators
from tests.scripts.migration.conftest import BOTH, FILE, Create
from tests.scripts.migration.samples import AT, Documents, exported, sample, write

_ORDER = [each.name for each in ALL if not each.per_user]
_ORDER_PER_USER = [each.name for each in ALL if each.per_user]


def paths(content: bytes) -> list[str]:
    """Return the paths in an export."""
    return [json.loads(line)["path"] for line in content.splitlines()[1:-1]]


def in_order(documents: Documents) -> list[str]:
    """Return paths by collection, then those of the users by user."""

    def key(path: str) -> tuple[object, ...]:
        *parents, collection, document = path.split("/")
        if not parents:
            return False, _ORDER.index(collection), document.encode()
        return True, parents[1].encode(), _ORDER_PER_USER.index(collection), document.encode()

    return sorted(documents, key=key)


@pytest.mark.parametrize("kind", BOTH)
async def test_export_has_all_documents_in_order(create: Create, kind: str) -> None:
    databases = create(kind)
    documents = sample(users=7)
    await write(databases, documents)
    assert paths(await exported(databases)) == in_order(documents)


@pytest.mark.parametrize("kind", BOTH)
async def test_export_crosses_borders_of_pages(create: Create, kind: str) -> None:
    databases = create(kind)
    # Pages have 70 events, 4 parts of a picture, 60 users with documents, 200 lookups and 300 ids.
    documents = sample(users=2, events=400, parts=9) | {f"users/{n}": {} for n in range(300)}
    documents |= {f"lookups/{n}": {} for n in range(401)}
    await write(databases, documents)
    assert paths(await exported(databases)) == in_order(documents)


async def test_empty_database_has_two_lines(create: Create) -> None:
    assert (await exported(create(FILE))).count(b"\n") == 2


async def test_equal_databases_have_equal_exports(create: Create) -> None:
    one, other = create(FILE), create(FILE)
    documents = sample()
    await write(one, documents)
    await write(other, dict(reversed(documents.items())))
    assert await exported(one) == await exported(other)


async def test_progress_reaches_the_number_of_documents(create: Create) -> None:
    databases = create(FILE)
    await write(databases, sample())
    seen: list[int] = []
    count = await export_all(databases, lambda _: None, AT, seen.append)
    assert seen == sorted(seen)
    assert seen[-1] == count


async def test_expired_page_token_repeats_no_user(
    create: Create, monkeypatch: pytest.MonkeyPatch
) -> None:
    databases = create(FILE)
    users = sorted(str(UUID(int=n * 7919)) for n in range(4))
    await write(databases, {f"users/{user}/events/1": {} for user in users})
    # After an expired token, the pages begin at the first one.
    pages: Iterator[tuple[list[str], str]] = iter(
        [(users[:2], "a"), (users[:2], "b"), (users[2:], "")]
    )

    async def list_ids(*_arguments: object) -> IdPage:
        ids, token = next(pages)
        return IdPage(ids, [], token)

    monkeypatch.setattr(databases.main, "list_ids", list_ids)
    assert paths(await exported(databases)) == [f"users/{user}/events/1" for user in users]


@pytest.mark.firestore
async def test_rate_limits_are_read_from_their_database() -> None:
    settings = emulators.firestore_settings(f"test-{uuid4()}")
    main = Databases(settings, QuotaSettings(), concurrency=2)
    both = Databases(settings, QuotaSettings(database="quotas"), concurrency=2)
    quotas = Databases(
        settings.model_copy(update={"database": "quotas"}), QuotaSettings(), concurrency=2
    )
    await write(main, {"lookups/1": {}, "rate_limits/main": {}})
    await write(quotas, {"lookups/2": {}, "rate_limits/quotas": {}})
    try:
        assert paths(await exported(both)) == ["lookups/1", "rate_limits/quotas"]
    finally:
        for each in (main, both, quotas):
            await each.close()


async def test_outage_ends_the_export() -> None:
    settings = DatabaseSettings(file=None, project="test", emulator_host="127.0.0.1:9")
    databases = Databases(settings, QuotaSettings(), concurrency=2)
    databases.main = type(databases.main)(
        settings.model_copy(update={"attempt_timeout_s": 1, "retry_for_s": 0.1})
    )
    with pytest.raises(DependencyUnavailable):
        await exported(databases)
    await databases.close()
