"""Secrets of settings: literal values, or references to Secret Manager (`sm://name`).

Source: https://cloud.google.com/secret-manager/docs/reference/rpc (AccessSecretVersion)
"""

import asyncio
import importlib
import logging
import re
import time
from collections.abc import Awaitable, Callable, Sequence
from typing import TYPE_CHECKING

import google.auth
from google.api_core.exceptions import ServiceUnavailable
from google.api_core.retry import AsyncRetry, if_exception_type
from pydantic import SecretStr

from shared.clients.settings import SecretSettings
from shared.errors import DependencyUnavailable
from shared.settings import Settings

if TYPE_CHECKING:
    from google.cloud.secretmanager_v1 import SecretManagerServiceAsyncClient

logger = logging.getLogger(__name__)

_SCHEME = "sm://"
_REFERENCE = re.compile(r"sm://([A-Za-z0-9_-]{1,255})(?:/(latest|[0-9]+))?")
_SCOPE = "https://www.googleapis.com/auth/cloud-platform"
_RETRY_AFTER_S = 30
# Before the first successful fetch every request fails, so retry soon. The pause keeps a burst of
# requests from becoming a burst of calls to Secret Manager.
_FIRST_FETCH_RETRY_S = 1


def is_reference(setting: str) -> bool:
    """Whether a value refers to Secret Manager."""
    return setting.startswith(_SCHEME)


async def _connect() -> "SecretManagerServiceAsyncClient":
    """Return a client. Threads do the blocking parts: an import of 0.3 s, and credentials."""
    library = await asyncio.to_thread(importlib.import_module, "google.cloud.secretmanager_v1")
    credentials, _ = await asyncio.to_thread(google.auth.default, scopes=[_SCOPE])
    client: SecretManagerServiceAsyncClient = library.SecretManagerServiceAsyncClient(
        credentials=credentials
    )
    return client


class Secrets:
    """All secrets of a process, and its connection to Secret Manager."""

    def __init__(
        self,
        settings: SecretSettings,
        connect: Callable[[], Awaitable["SecretManagerServiceAsyncClient"]] = _connect,
    ) -> None:
        self._settings = settings
        self._connect = connect
        self._client: SecretManagerServiceAsyncClient | None = None
        self._secrets: dict[tuple[str, str | None], Secret] = {}
        self._retry = AsyncRetry(
            predicate=if_exception_type(ServiceUnavailable),
            initial=0.1,
            maximum=1,
            timeout=settings.timeout_s,
        )

    def get(self, settings: Settings, field: str) -> "Secret":
        """Return the secret of `field` in `settings`; the same object for the same value.

        Raises:
            ValueError: the value starts with `sm://`, but is not a valid reference.
        """
        setting: SecretStr | None = getattr(settings, field)
        key = settings.variable(field), None if setting is None else setting.get_secret_value()
        if key not in self._secrets:
            self._secrets[key] = Secret(self, *key)
        return self._secrets[key]

    @property
    def requested(self) -> Sequence["Secret"]:
        """All secrets that `get` has returned, in order of their first request."""
        return tuple(self._secrets.values())

    def resource_name(self, variable: str, reference: str) -> str:
        """Return Secret Manager's resource name for `reference`.

        Raises:
            ValueError: the reference is invalid, or the project is not set; names `variable`.
        """
        parts = _REFERENCE.fullmatch(reference)
        if parts is None:
            raise ValueError(f"{variable} is not of the form sm://name or sm://name/version")
        if self._settings.project is None:
            raise ValueError(
                f"{variable} refers to Secret Manager, but GOOGLE_CLOUD_PROJECT is not set"
            )
        name, version = parts.groups(default="latest")
        return f"projects/{self._settings.project}/secrets/{name}/versions/{version}"

    @property
    def refresh_s(self) -> float:
        """Seconds until a fetched secret is fetched again."""
        return self._settings.refresh_s

    async def fetch(self, resource_name: str) -> str:
        """Return a secret from Secret Manager, within `timeout_s`.

        Raises:
            TimeoutError: no response in time. Errors of Google's library pass through.
        """
        # The first call also imports and connects, which the call's own timeout does not cover.
        async with asyncio.timeout(self._settings.timeout_s):
            if self._client is None:
                self._client = await self._connect()
            response = await self._client.access_secret_version(
                name=resource_name, timeout=self._settings.timeout_s, retry=self._retry
            )
        # Values pasted into a file often end with a line break.
        return response.payload.data.decode().strip()


class Secret:
    """One secret, set by the environment variable `variable`."""

    def __init__(self, secrets: Secrets, variable: str, setting: str | None) -> None:
        self.variable = variable
        self._secrets = secrets
        self._setting = setting
        self._resource_name = (
            secrets.resource_name(variable, setting) if setting and is_reference(setting) else None
        )
        self._fetching: asyncio.Task[None] | None = None
        self._fetched: str | None = None
        self._next_fetch_at_s = 0.0

    @property
    def is_set(self) -> bool:
        """Whether the variable is set."""
        return self._setting is not None

    async def value(self) -> str:
        """Return the secret. The first use of a reference costs a call to Secret Manager.

        Later calls return the cached value at once, and refresh it in the background when it is
        due. If a refresh fails, the cached value stays in use.

        Raises:
            DependencyUnavailable: the secret is not set, or cannot be fetched; names the variable.
        """
        if self._setting is None:
            logger.error("the setting %s is missing", self.variable)
            raise self._unavailable()
        if self._resource_name is None:
            return self._setting
        is_due = time.monotonic() >= self._next_fetch_at_s
        if is_due and (self._fetching is None or self._fetching.done()):
            self._fetching = asyncio.create_task(self._fetch(self._resource_name))
        if self._fetched is None and self._fetching is not None:
            # Shielded: other requests wait for the same task, so one cancelled request must not
            # cancel it.
            await asyncio.shield(self._fetching)
        if self._fetched is None:
            raise self._unavailable()
        return self._fetched

    def _unavailable(self) -> DependencyUnavailable:
        return DependencyUnavailable(f"the secret {self.variable}", _RETRY_AFTER_S)

    async def _fetch(self, resource_name: str) -> None:
        try:
            self._fetched = await self._secrets.fetch(resource_name)
            pause_s = self._secrets.refresh_s
        except Exception as error:  # noqa: BLE001 - any failure delays the next fetch
            # The class only: the message of an unknown error may contain anything.
            error_class = type(error).__name__
            logger.error("the secret of %s cannot be fetched: %s", self.variable, error_class)  # noqa: TRY400 - no message
            pause_s = _FIRST_FETCH_RETRY_S if self._fetched is None else _RETRY_AFTER_S
        self._next_fetch_at_s = time.monotonic() + pause_s
