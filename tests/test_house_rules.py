"""Project rules that no other tool checks."""

import re
import tomllib
from pathlib import Path

import pytest

from scripts.local.ports import FUNCTIONS, SERVICES
from scripts.root import ROOT
from tests.service_start import start

# Third-party packages that a function may import before its first request. Each addition makes
# each cold start slower: measure it with `./scripts/benchmark cold-start`.
ALLOWED = {
    "annotated_types",
    "anyio",
    "cachetools",
    "cryptography",
    "cuid2",
    "dotenv",
    "google",
    "grpc",
    "grpc_status",
    "proto",
    "pyasn1",
    "pyasn1_modules",
    "pydantic",
    "pydantic_core",
    "pydantic_settings",
    "starlette",
    "typing_extensions",
    "typing_inspection",
    # google-auth imports requests and its dependencies.
    "certifi",
    "charset_normalizer",
    "idna",
    "requests",
    "urllib3",
    # anyio imports it if it is installed, as it is here.
    "sniffio",
}
# Only the services with a language model need its client and the dependencies of the client.
_FOR_MODELS = {
    "distro",
    "h11",
    "httpcore2",
    "httpx2",
    "jiter",
    "openai",
    "truststore",
}
# Only the services that call other services over HTTP need its client.
_FOR_HTTP = {"h11", "httpcore2", "httpx2", "truststore"}
ALLOWED_BY_SERVICE = {
    "backup": ALLOWED | _FOR_HTTP,
    "ai": ALLOWED | _FOR_MODELS,
    "chat": ALLOWED | _FOR_MODELS,
}
# Further modules of a function.
_FURTHER_MODULES = {"cleanup": {"cleaner.py", "settings.py", "sweep.py"}}


@pytest.mark.parametrize("function", SERVICES)
def test_function_imports_only_allowed_packages(function: str) -> None:
    modules = start(function).modules
    names = {name.partition(".")[0] for name, file in modules.items() if "site-packages" in file}
    loaded = {name for name in names if not name.startswith("_")}
    binaries = {name for name in loaded if "mypyc" in name or name == "cffi"}
    allowed = ALLOWED_BY_SERVICE.get(function, ALLOWED)
    assert loaded - binaries <= allowed, loaded - binaries - allowed


def locked(path: Path) -> dict[str, str]:
    """Return the versions that a requirements file pins."""
    return dict(re.findall(r"^([A-Za-z0-9_.-]+)==([^ ;\\]+)", path.read_text(), re.MULTILINE))


DEPLOYED_LOCKS = [ROOT / "functions" / function / "requirements.txt" for function in SERVICES]
DEPLOYED_LOCKS += [ROOT / "infra" / "self-hosting" / "requirements.txt"]
LOCKS = [
    ROOT / "scripts" / "requirements.txt",
    ROOT / "scripts" / "local" / "java-requirements.txt",
    *DEPLOYED_LOCKS,
]


@pytest.mark.parametrize("lock", LOCKS, ids=lambda path: path.parent.name)
def test_lock_files_have_hashes_and_no_urls(lock: Path) -> None:
    text = lock.read_text()
    assert "://" not in text
    for requirement in re.split(r"\n(?=\S)", text.strip()):
        assert re.match(r"\S+==\S+", requirement), requirement
        assert "--hash=sha256:" in requirement


@pytest.mark.parametrize("lock", DEPLOYED_LOCKS, ids=lambda path: path.parent.name)
def test_deployed_versions_are_the_tested_ones(lock: Path) -> None:
    tested = locked(ROOT / "scripts" / "requirements.txt")
    assert locked(lock).items() <= tested.items()


@pytest.mark.parametrize("function", SERVICES)
def test_lock_file_has_all_required_packages(function: str) -> None:
    groups = tomllib.loads((ROOT / "pyproject.toml").read_text())["dependency-groups"]

    def required(group: str) -> set[str]:
        names: set[str] = set()
        for entry in groups[group]:
            names |= required(entry["include-group"]) if isinstance(entry, dict) else {entry}
        return names

    assert required(function) <= locked(ROOT / "functions" / function / "requirements.txt").keys()


@pytest.mark.parametrize("function", FUNCTIONS)
def test_functions_have_the_same_modules(function: str) -> None:
    files = {path.name for path in (ROOT / "functions" / function).iterdir()}
    assert files - {"__pycache__"} - _FURTHER_MODULES.get(function, set()) == {
        "__init__.py", "handlers.py", "main.py", "requirements.txt",
    }  # fmt: skip


def test_docs_name_every_command_and_no_other() -> None:
    pages = [ROOT / "README.md", *(ROOT / "docs").rglob("*.md")]
    named = {
        command
        for page in pages
        for command in re.findall(r"(?<!\.)\./scripts/([a-z-]+)", page.read_text())
    }
    commands = {
        path.name for path in (ROOT / "scripts").iterdir() if path.is_file() and not path.suffix
    }
    assert named == commands


def test_docs_show_the_data_model_as_declared() -> None:
    from shared.store.data_model import ALL  # noqa: PLC0415 - loads Firestore's client

    page = (ROOT / "docs" / "data-model.md").read_text()
    for collection in ALL:
        place = f"users/{{id}}/{collection.name}" if collection.per_user else collection.name
        [row] = re.findall(rf"^\| `{re.escape(place)}/\{{[^`/]+\}}` .*$", page, re.MULTILINE)
        cells = [cell.strip() for cell in row.strip("|").split("|")]
        assert cells[2] == (f"`{collection.ttl_field}`" if collection.ttl_field else "none")
        assert re.findall(r"`(\w+)`", cells[3]) == list(collection.unindexed)
