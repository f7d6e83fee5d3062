"""The emulators at fixed versions, and their download.

Source: `lib/emulator/downloadableEmulatorInfo.json` of the npm package `firebase-tools` 15.34.2
"""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from http import HTTPStatus
from io import BufferedRandom
from pathlib import Path

import httpx

from scripts.local.emulator import FIRESTORE, PUBSUB, Emulator

BASE_URL = "https://storage.googleapis.com/firebase-preview-drop/emulator"
OnProgress = Callable[[int], object]
"""Called with the number of bytes so far."""

_TIMEOUT_S = 30
_OTHER_SERVER = "name another server with --from URL"


class DownloadError(Exception):
    """A download failed. The message names the server and the next step."""


@dataclass(frozen=True)
class Download:
    """A file at a fixed version."""

    name: str
    size_bytes: int
    sha256: str

    def fetch(self, base_url: str, folder: Path, on_progress: OnProgress) -> Path:
        """Download the file into `folder` and return its path.

        A broken connection is opened again for the rest, as long as each connection brings bytes.

        Args:
            base_url: the URL of the folder on the server.
            folder: where the file is written. After an error, it can contain a part of the file.
            on_progress: called after each part.

        Raises:
            DownloadError: the server does not respond, or its file has a different size or hash.
        """
        url = httpx.URL(f"{base_url.rstrip('/')}/{self.name}")
        path = folder / self.name
        # The client uses the proxy that the environment names.
        with (
            path.open("w+b") as file,
            httpx.Client(timeout=_TIMEOUT_S, follow_redirects=True) as http,
        ):
            self._receive_all(http, url, file, on_progress)
            self._check(url, file)
        return path

    def _receive_all(
        self, http: httpx.Client, url: httpx.URL, file: BufferedRandom, on_progress: OnProgress
    ) -> None:
        while True:
            before = file.tell()
            try:
                self._receive(http, url, file, on_progress)
            except httpx.TransportError as error:
                if file.tell() <= before:
                    reason = str(error) or type(error).__name__
                    raise self._failure(url, reason, "check the connection") from error
            except httpx.HTTPStatusError as error:
                reason = f"status {error.response.status_code}"
                raise self._failure(url, reason, _OTHER_SERVER) from error
            except httpx.TooManyRedirects as error:
                raise self._failure(url, "too many redirects", _OTHER_SERVER) from error
            else:
                return

    def _receive(
        self, http: httpx.Client, url: httpx.URL, file: BufferedRandom, on_progress: OnProgress
    ) -> None:
        """Receive the part of the file that is missing."""
        headers = {"Accept-Encoding": "identity"}
        if received := file.tell():
            headers["Range"] = f"bytes={received}-"
        with http.stream("GET", url, headers=headers) as response:
            response.raise_for_status()
            if response.status_code != HTTPStatus.PARTIAL_CONTENT:
                file.seek(0)  # the server sends the whole file
            for chunk in response.iter_raw():
                file.write(chunk)
                on_progress(file.tell())
                if file.tell() > self.size_bytes:
                    return

    def _check(self, url: httpx.URL, file: BufferedRandom) -> None:
        size = file.tell()
        if size != self.size_bytes:
            found = "more" if size > self.size_bytes else f"{size:,}"
            reason = f"{found} bytes instead of {self.size_bytes:,}"
            raise self._failure(url, reason, _OTHER_SERVER)
        file.seek(0)
        if hashlib.file_digest(file, "sha256").hexdigest() != self.sha256:
            raise self._failure(url, "its SHA-256 is not the expected one", _OTHER_SERVER)

    def _failure(self, url: httpx.URL, reason: str, next_step: str) -> DownloadError:
        # Only the host: the URL can contain a password.
        return DownloadError(
            f"cannot download {self.name} from {url.host}: {reason}; "
            f"{next_step}, and repeat the command"
        )


DOWNLOADS: dict[Emulator, Download] = {
    FIRESTORE: Download(
        name="cloud-firestore-emulator-v1.22.0.jar",
        size_bytes=136_707_194,
        sha256="9b6498b7f62714d67f48f59b3818883cd682dbcd46b9f59511de81c97bb5166c",
    ),
    PUBSUB: Download(
        name="pubsub-emulator-0.8.37.zip",
        size_bytes=53_029_797,
        sha256="c83383e0c71633e58abad6fdc9c0312c7d0f6a5a34236c42e3f92eb24ded1c26",
    ),
}
