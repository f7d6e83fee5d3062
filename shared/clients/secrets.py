"""Secrets: given as themselves, or as references to Secret Manager.

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
_SCOPE = "https://www.googleapis.com/auth/cloud-platform"
_REFERENCE = re.compile(r"sm://([A-Za-z0-9_-]{1,255})(?:/(latest|[0-9]+))?")
_TRY_AGAIN_S = 30
_SOON_S = 1  # for one that nobody has yet: long enough not to ask for every request


async def _connect() -> "SecretManagerServiceAsyncClient":
    """Return a client. What blocks is done in a thread: an import of 0.3 s, and the metadata."""
    library = await asyncio.to_thread(importlib.import_module, "google.cloud.secretmanager_v1")
    credentials, _ = await asyncio.to_thread(google.auth.default, scopes=[_SCOPE])
    client: SecretManagerServiceAsyncClient = library.SecretManagerServiceAsyncClient(
        credentials=credentials
    )
    return client


class Secrets:
    """The secrets of a process."""

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
        """Return the secret that `field` of `settings` gives or refers to; the same one each time.

        Raises:
            ValueError: it looks like a reference, but is none that we can follow.
        """
        given: SecretStr | None = getattr(settings, field)
        variable = settings.variable(field)
        key = variable, None if given is None else given.get_secret_value()
        if key not in self._secrets:
            self._secrets[key] = Secret(self, *key)
        return self._secrets[key]

    @property
    def requested(self) -> Sequence["Secret"]:
        """All secrets that somebody has wanted so far, in that order."""
        return tuple(self._secrets.values())

    def resource(self, variable: str, reference: str) -> str:
        """Return Secret Manager's name of what `reference` means."""
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
        """How long a fetched secret is used."""
        return self._settings.refresh_s

    async def fetch(self, resource: str) -> str:
        """Return a secret from Secret Manager, in `timeout_s` or not at all.

        Raises:
            TimeoutError: or what Google's library raises.
        """
        async with asyncio.timeout(self._settings.timeout_s):
            if self._client is None:
                self._client = await self._connect()
            answer = await self._client.access_secret_version(
                name=resource, timeout=self._settings.timeout_s, retry=self._retry
            )
        return answer.payload.data.decode().strip()


class Secret:
    """One secret, of the setting `variable`."""

    def __init__(self, secrets: Secrets, variable: str, given: str | None) -> None:
        self.variable = variable
        self._secrets = secrets
        self._given = given
        self._resource = (
            secrets.resource(variable, given) if given and given.startswith(_SCHEME) else None
        )
        self._fetching: asyncio.Task[None] | None = None
        self._fetched: str | None = None
        self._fetch_again_at = 0.0

    @property
    def is_set(self) -> bool:
        """Whether the setting is there at all."""
        return self._given is not None

    async def value(self) -> str:
        """Return the secret; for a reference, the first time costs a call to Secret Manager.

        Once it is known nobody waits for it: it is fetched again in the background in a while, and
        used on for as long as that fails.

        Raises:
            DependencyUnavailable: it is not set, or cannot be fetched; names the setting.
        """
        if self._given is None:
            logger.error("the setting %s is missing", self.variable)
            raise DependencyUnavailable(f"the secret {self.variable}", _TRY_AGAIN_S)
        if self._resource is None:
            return self._given
        if self._is_due and (self._fetching is None or self._fetching.done()):
            self._fetching = asyncio.create_task(self._fetch(self._resource))
        if self._fetched is None and self._fetching is not None:
            # Who has no more patience leaves it to those who have.
            await asyncio.shield(self._fetching)
        if self._fetched is None:
            raise DependencyUnavailable(f"the secret {self.variable}", _TRY_AGAIN_S)
        return self._fetched

    @property
    def _is_due(self) -> bool:
        return time.monotonic() >= self._fetch_again_at

    async def _fetch(self, resource: str) -> None:
        try:
            self._fetched = await self._secrets.fetch(resource)
            wait_s = self._secrets.refresh_s
        except Exception as error:  # noqa: BLE001 - after any failure the next fetch has to wait
            # Only the kind: the message may hold anything.
            kind = type(error).__name__
            logger.error("the secret of %s cannot be fetched: %s", self.variable, kind)  # noqa: TRY400
            wait_s = _SOON_S if self._fetched is None else _TRY_AGAIN_S
        self._fetch_again_at = time.monotonic() + wait_s
