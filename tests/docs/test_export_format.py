"""The examples of the export format."""

import json
import re

from scripts.migration.lines import LineReader
from scripts.migration.values import from_json, to_json
from scripts.root import ROOT

PAGE = (ROOT / "docs" / "export-format.md").read_text()


def test_example_is_a_valid_file() -> None:
    [example] = re.findall(r"^```json\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)
    lines = example.encode().splitlines(keepends=True)
    assert [entry.place.collection.name for entry in LineReader(lines)] == [
        "lookups",
        "follow_secrets",
    ]


def test_examples_of_values_have_their_form() -> None:
    values = PAGE.partition("## Values")[2].partition("## Versions")[0]
    rows = re.findall(r"^\|.*\| (`.*`) \|$", values, re.MULTILINE)
    forms = [json.loads(text) for row in rows for text in re.findall(r"`([^`]+)`", row)]
    assert len(forms) == 10
    for form in forms:
        assert to_json(from_json(form)) == form
