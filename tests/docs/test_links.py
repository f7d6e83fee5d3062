"""The links of the documentation, and the paths that it names."""

from functools import cache
from pathlib import Path

import pytest

from scripts.root import ROOT
from tests.docs.pages import Page, slug

PATHS = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])
# README links these pages. They link the pages of their folder.
INDEXES = (ROOT / "docs" / "decisions" / "README.md", ROOT / "docs" / "operations" / "runbook.md")
# Terraform creates these files.
CREATED = {"infra/.terraform.lock.hcl"}


@cache
def sources() -> str:
    """Return the text of all code."""
    folders = ("functions", "shared", "scripts", "infra", "tests")
    files = (path for each in folders for path in (ROOT / each).rglob("*"))
    return "\n".join(each.read_text() for each in files if each.suffix in {".py", ".tf"})


def name(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


@pytest.mark.parametrize("path", PATHS, ids=name)
def test_relative_links_of_page_lead_to_files_and_headings(path: Path) -> None:
    assert Page(path).dead_links == []


@pytest.mark.parametrize("path", PATHS, ids=name)
def test_paths_named_in_page_exist(path: Path) -> None:
    missing = {each for each in Page(path).named_paths if not (ROOT / each).exists()}
    assert missing <= CREATED


def test_every_page_is_linked_from_readme_or_index() -> None:
    readme = ROOT / "README.md"
    linked = {link.file for link in Page(readme).links}
    assert set(INDEXES) <= linked
    for index in INDEXES:
        linked |= {link.file for link in Page(index).links}
    assert set(PATHS) - {readme} <= linked


def test_dead_file_and_dead_anchor_are_found(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text(
        "# A title\n[fine](#a-title) [no file](other.md) [no anchor](page.md#b)\n"
        "`[code](code.md)`\n```console\n[a block](block.md)\n```\n[web](https://example.org/x.md)\n"
    )
    dead = [(link.file.name, link.anchor) for link in Page(page).dead_links]
    assert dead == [("other.md", ""), ("page.md", "b")]


@pytest.mark.parametrize(
    ("heading", "anchor"),
    [
        ("Round trips", "round-trips"),
        ("Chat (Cloud Run service `chat`): SignalR", "chat-cloud-run-service-chat-signalr"),
        ("The [contract](contract.md)", "the-contract"),
    ],
    ids=["words", "punctuation", "link"],
)
def test_slug_of_heading_is_as_on_github(heading: str, anchor: str) -> None:
    assert slug(heading) == anchor


@pytest.mark.parametrize("path", PATHS, ids=name)
def test_variables_named_in_page_exist_in_code(path: Path) -> None:
    assert [each for each in Page(path).named_variables if each not in sources()] == []
