"""Downloads from a server that can break connections or have other files."""

import random
from fnmatch import fnmatch
from pathlib import Path

import pytest

from scripts.local.emulator_downloads import DOWNLOADS, DownloadError
from scripts.local.ports import url
from scripts.local.stack import free_ports
from tests.loopback import served
from tests.scripts.local.mirror import Mirror, pinned

NAME = "emulator.jar"
CONTENT = random.Random(1).randbytes(300_000)
PINNED = pinned(NAME, CONTENT)


def fetch(mirror: Mirror, folder: Path) -> list[int]:
    """Download the file, check it, and return the progress."""
    progress: list[int] = []
    with served(mirror) as base_url:
        path = PINNED.fetch(f"{base_url}/some/folder/", folder, progress.append)
    assert path == folder / NAME
    assert path.read_bytes() == CONTENT
    return progress


def failure(mirror: Mirror, folder: Path) -> str:
    """Download the file; return the message of the error."""
    with served(mirror) as base_url, pytest.raises(DownloadError) as caught:
        PINNED.fetch(base_url, folder, lambda _: None)
    return str(caught.value)


def test_download_writes_the_pinned_file(tmp_path: Path) -> None:
    mirror = Mirror({NAME: CONTENT})
    progress = fetch(mirror, tmp_path)
    assert mirror.requests == [(NAME, 0)]
    assert progress == sorted(progress)
    assert progress[-1] == len(CONTENT)


def test_broken_download_continues_at_its_offset(tmp_path: Path) -> None:
    mirror = Mirror({NAME: CONTENT}, breaks_after=[100_000, 50_000])
    fetch(mirror, tmp_path)
    assert mirror.requests == [(NAME, 0), (NAME, 100_000), (NAME, 150_000)]


def test_broken_download_restarts_without_ranges(tmp_path: Path) -> None:
    mirror = Mirror({NAME: CONTENT}, breaks_after=[100_000], supports_ranges=False)
    fetch(mirror, tmp_path)
    assert mirror.requests == [(NAME, 0), (NAME, 100_000)]


def test_download_fails_when_connections_bring_no_bytes(tmp_path: Path) -> None:
    mirror = Mirror({NAME: CONTENT}, breaks_after=[100_000, 0])
    message = failure(mirror, tmp_path)
    assert f"cannot download {NAME} from 127.0.0.1" in message
    assert "check the connection, and repeat the command" in message
    assert len(mirror.requests) == 2


def test_download_fails_when_one_byte_differs(tmp_path: Path) -> None:
    changed = CONTENT[:-1] + bytes([CONTENT[-1] ^ 1])
    assert "SHA-256" in failure(Mirror({NAME: changed}), tmp_path)


def test_download_fails_when_continued_file_differs(tmp_path: Path) -> None:
    mirror = Mirror({NAME: CONTENT[::-1]}, breaks_after=[100_000])
    assert "SHA-256" in failure(mirror, tmp_path)


@pytest.mark.parametrize(
    ("content", "found"),
    [(CONTENT[:-1], "299,999 bytes"), (b"", "0 bytes"), (CONTENT + b"x", "more bytes")],
    ids=["shorter", "empty", "longer"],
)
def test_download_fails_when_size_differs(tmp_path: Path, content: bytes, found: str) -> None:
    message = failure(Mirror({NAME: content}), tmp_path)
    assert f"{found} instead of 300,000" in message
    assert "--from URL" in message


def test_download_fails_when_file_is_missing(tmp_path: Path) -> None:
    message = failure(Mirror({}), tmp_path)
    assert "status 404; name another server with --from URL" in message


def test_download_fails_without_a_server(tmp_path: Path) -> None:
    nowhere = url(free_ports().base).replace("//", "//person:SECRET-password@")
    with pytest.raises(DownloadError, match="check the connection") as caught:
        PINNED.fetch(nowhere, tmp_path, lambda _: None)
    assert "SECRET" not in str(caught.value)


def test_download_uses_the_proxy_of_the_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("NO_PROXY", "no_proxy", "http_proxy"):
        monkeypatch.delenv(name, raising=False)
    mirror = Mirror({NAME: CONTENT})
    with served(mirror) as proxy:
        monkeypatch.setenv("HTTP_PROXY", proxy)
        PINNED.fetch("http://emulators.example/folder", tmp_path, lambda _: None)
    assert mirror.hosts == ["emulators.example"]


def test_pinned_files_have_the_names_that_are_searched() -> None:
    for emulator, download in DOWNLOADS.items():
        searched = emulator.in_downloads.partition("/")[0]
        assert fnmatch(download.name.removesuffix(".zip"), searched)
