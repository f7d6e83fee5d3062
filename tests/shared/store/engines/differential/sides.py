"""The two engines under test, and the comparable form of their results."""

import asyncio
import re
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, field
from hashlib import sha256

from google.api_core.exceptions import GoogleAPIError
from google.protobuf.timestamp_pb2 import Timestamp

from shared.errors import LiftLogError
from shared.store.database import Database
from shared.store.documents import Document
from shared.store.preconditions import PreconditionFailed

LONG_AGO = Timestamp(seconds=1)

_MAX_SHOWN = 40
_REPEATED = re.compile(r"(.)\1{20,}")


class Difference(AssertionError):
    """The engines did not behave in the same way."""


@dataclass(frozen=True)
class Raised:
    """An error. The texts of the engines differ."""

    error: str
    text: str = field(compare=False)


@dataclass
class Side:
    """An engine, and the update times that it has returned."""

    name: str
    database: Database
    times: list[int] = field(default_factory=list)
    """All update times so far, oldest first, in nanoseconds."""

    versions: dict[str, Timestamp] = field(default_factory=dict)
    """The last seen version of each document, by path."""

    def older(self, version: Timestamp, age: int) -> Timestamp:
        """Return an update time before `version`."""
        # For a later time, the emulator raises another error: see the known differences.
        before = [time for time in self.times if time < version.ToNanoseconds()]
        older = Timestamp()
        older.FromNanoseconds(before[age % len(before)] if before else LONG_AGO.ToNanoseconds())
        return older

    def seen(self, documents: Iterable[Document]) -> list[object]:
        """Return the comparable form of documents.

        The update times of the engines are not equal, but their order is: the form contains the
        position of the update time among all update times that the engine has returned.
        """
        documents = list(documents)
        for document in documents:
            self.versions[document.reference.path] = document.version
        known = {*self.times, *map(_nanoseconds, documents)}
        self.times = sorted(known)
        return [
            (
                document.reference.path,
                comparable(document.fields),
                self.times.index(_nanoseconds(document)),
            )
            for document in documents
        ]


class Sides:
    """Runs each operation on both engines, and compares the results."""

    def __init__(self, firestore: Database, sqlite: Database) -> None:
        self.firestore, self.sqlite = Side("Firestore", firestore), Side("SQLite", sqlite)
        self.operations = 0
        self.agree = True
        """False after a difference, and after an error of the test."""

    async def compare(self, label: object, operation: Callable[[Side], Awaitable[object]]) -> None:
        """Run an operation on both engines.

        Raises:
            Difference: the results differ.
        """
        self.agree = False
        expected, found = await self.outcomes(operation)
        self.operations += 1
        if expected != found:
            shown = _REPEATED.sub(r"\1...", str(label))
            raise Difference(f"{shown}\n  Firestore: {expected}\n  SQLite:    {found}")
        self.agree = True

    async def outcomes(self, operation: Callable[[Side], Awaitable[object]]) -> list[object]:
        """Run an operation on both engines; return the results or errors."""
        sides = (self.firestore, self.sqlite)
        return await asyncio.gather(*(_outcome(operation, side) for side in sides))

    async def close(self) -> None:
        """Close both databases."""
        await self.firestore.database.close()
        await self.sqlite.database.close()


def comparable(value: object) -> object:
    """Return a form that distinguishes 1, 1.0 and True, also -0.0 and 0.0. NaN equals NaN."""
    match value:
        case dict():
            return {name: comparable(value[name]) for name in sorted(value)}
        case list():
            return [comparable(each) for each in value]
        case str() | bytes() if len(value) > _MAX_SHOWN:
            content = value.encode() if isinstance(value, str) else value
            return f"{type(value).__name__} {len(content)} {sha256(content).hexdigest()}"
        case _:
            return repr(value)


async def _outcome(operation: Callable[[Side], Awaitable[object]], side: Side) -> object:
    try:
        return await operation(side)
    # `NotImplementedError` also: random operations stay within the supported subset.
    except (GoogleAPIError, LiftLogError, PreconditionFailed, NotImplementedError) as error:
        cause = error.__cause__ or error
        return Raised(type(cause).__name__, str(cause))


def _nanoseconds(document: Document) -> int:
    return int(document.version.ToNanoseconds())  # type: ignore[attr-defined] # a protobuf timestamp
