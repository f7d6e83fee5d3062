"""Databases with a fault, on any engine."""

from typing import TYPE_CHECKING, Any

from google.api_core.exceptions import ServiceUnavailable

from scripts.local.observed_engine import EngineCall, Execute, observed
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

    def __init__(self, settings: DatabaseSettings) -> None:
        self.attempts = 0
        super().__init__(settings, observed(self._lose_first))

    async def _lose_first(self, call: EngineCall, execute: Execute) -> Any:
        is_first = call.rpc == "Commit" and not self.attempts
        self.attempts += call.rpc == "Commit"
        result = await execute()
        if is_first:
            raise ServiceUnavailable("the response is lost")
        return result


class Unreachable(Database):
    """A database whose engine does not respond. Counts the attempts."""

    def __init__(self, retry_for_s: float = 0.1, max_wait_s: float = 5) -> None:
        self.attempts = 0
        settings = DatabaseSettings(retry_for_s=retry_for_s, max_wait_s=max_wait_s)
        super().__init__(settings, observed(self._fail))

    async def _fail(self, _call: EngineCall, _execute: Execute) -> Any:
        self.attempts += 1
        raise ServiceUnavailable("no response")
