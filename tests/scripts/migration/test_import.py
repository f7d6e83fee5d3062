"""The import of documents."""

from collections.abc import Iterator

import pytest

from scripts.migration.databases import Databases
from scripts.migration.errors import DamagedFileError, MigrationError
from scripts.migration.import_ import import_all
from scripts.migration.lines import Entry, LineWriter, document_line
from scripts.migration.places import Place
from shared.store.data_model import CLEANUP_RUNS, EVENTS, PICTURE_PARTS, USERS
from tests.scripts.migration.conftest import BOTH, FILE, Create
from tests.scripts.migration.samples import AT, exported, imported, read, write


def entries(count: int, size_bytes: int = 1) -> Iterator[Entry]:
    for line in range(count):
        place = Place(PICTURE_PARTS, f"{line:04}", "u")
        yield Entry(line, size_bytes, place, {"content": bytes(size_bytes)})


@pytest.mark.parametrize(("count", "size_bytes"), [(1201, 1), (20, 900_000)], ids=["many", "large"])
@pytest.mark.parametrize("kind", BOTH)
async def test_import_crosses_borders_of_batches(
    create: Create, kind: str, count: int, size_bytes: int
) -> None:
    databases = create(kind)
    seen: list[int] = []
    assert await import_all(databases, entries(count, size_bytes), seen.append) == count
    assert sorted(seen) == seen
    assert seen[-1] == count
    assert (await exported(databases)).count(b"\n") == count + 2


async def test_import_replaces_and_keeps_other_documents(create: Create) -> None:
    databases = create(FILE)
    await write(databases, {"users/1": {"old": 1, "n": 1}, "users/2": {"n": 2}})
    writer = LineWriter()
    place = Place(USERS, "1")
    content = (
        writer.header(AT) + writer.add(place, document_line(place, {"n": 3})) + writer.trailer()
    )
    await imported(databases, content)
    fields, _ = await read(databases, {"users/1": {}, "users/2": {}})
    assert fields == {"users/1": {"n": 3}, "users/2": {"n": 2}}


async def test_error_of_the_file_ends_the_import(create: Create) -> None:
    def damaged() -> Iterator[Entry]:
        yield from entries(600)
        raise DamagedFileError("line 601 is damaged")

    with pytest.raises(DamagedFileError, match=r"^line 601 is damaged$"):
        await import_all(create(FILE), damaged(), lambda _: None)


@pytest.mark.parametrize("kind", BOTH)
async def test_rejected_document_is_named_by_its_lines(create: Create, kind: str) -> None:
    def too_large() -> Iterator[Entry]:
        fields = {"encrypted_payload": b"SECRET" * 200_000}
        yield Entry(7, 1, Place(EVENTS, "1", "u"), {})
        yield Entry(8, 1, Place(EVENTS, "2", "u"), fields)

    with pytest.raises(MigrationError, match=r"in the lines 7 to 8 \(InvalidArgument\)") as error:
        await import_all(create(kind), too_large(), lambda _: None)
    assert "SECRET" not in str(error.value)


@pytest.mark.parametrize("kind", BOTH)
@pytest.mark.parametrize(
    ("path", "collection"),
    [
        ("users/1", "users"),
        ("users/1/events/2", "users"),
        ("deletions/1", "deletions"),
        ("rate_limits/1", "rate_limits"),
        ("cleanup_runs/1", None),
        ("patrols/1", None),
        (None, None),
    ],
)
async def test_empty_database_has_only_documents_of_the_cleanup(
    create: Create, kind: str, path: str | None, collection: str | None
) -> None:
    databases = create(kind)
    if path:
        await write(databases, {path: {}})
    found = await databases.find_document()
    assert (found and found.collection.name) == collection
    assert found is None or found.collection != CLEANUP_RUNS


async def test_many_commits_run_at_a_time(create: Create, monkeypatch: pytest.MonkeyPatch) -> None:
    databases: Databases = create(FILE)
    running = max_running = 0
    commit = databases.main.commit

    async def counted(*arguments: object, **options: object) -> None:
        nonlocal running, max_running
        running += 1
        max_running = max(max_running, running)
        await commit(*arguments, **options)  # type: ignore[arg-type]
        running -= 1

    monkeypatch.setattr(databases.main, "commit", counted)
    await import_all(databases, entries(5000), lambda _: None)
    assert max_running == databases.concurrency
