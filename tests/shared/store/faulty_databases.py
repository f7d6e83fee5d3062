"""Databases with a fault."""

from typing import TYPE_CHECKING, Any

import grpc.aio
from google.api_core.exceptions import ServiceUnavailable

from shared.errors import DependencyUnavailable
from shared.store.database import Database
from shared.store.settings import DatabaseSettings

if TYPE_CHECKING:
    from google.cloud.firestore_v1.async_batch import AsyncWriteBatch


class FailingCommits(Database):
    """A database whose commits fail after `commits_left` successes: all later ones, or one."""

    def __init__(
        self, settings: DatabaseSettings, commits_left: int, *, fails_once: bool = False
    ) -> None:
        super().__init__(settings)
        self._commits_left = commits_left
        self._fails_once = fails_once

    async def commit(self, batch: "AsyncWriteBatch", *, repeatable: bool = True) -> None:
        """Commit, or fail."""
        self._commits_left -= 1
        if self._commits_left == -1 or (self._commits_left < 0 and not self._fails_once):
            raise DependencyUnavailable("the database", 5)
        await super().commit(batch, repeatable=repeatable)


class LostResponse(Database):
    """A database that executes all commits. The response to the first one is lost."""

    def __init__(self) -> None:
        self.attempts = 0
        super().__init__(DatabaseSettings(), [_LoseFirst(self)])


class _LoseFirst(grpc.aio.UnaryUnaryClientInterceptor):  # type: ignore[misc] # grpc is untyped
    def __init__(self, database: LostResponse) -> None:
        self._database = database

    async def intercept_unary_unary(
        self, continuation: Any, details: object, request: object
    ) -> object:
        self._database.attempts += 1
        call = await continuation(details, request)
        if self._database.attempts == 1:
            await call
            raise ServiceUnavailable("the response is lost")
        return call
