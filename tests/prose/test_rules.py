"""The rules of `rules.toml`: each one holds for its own examples."""

from fnmatch import fnmatch
from pathlib import Path
from typing import Literal

import pytest

from tests.prose.files import listed
from tests.prose.rules import RULES_FILE, Rule, Rules, findings_in, load
from tests.prose.texts import NAMES, PROSE, Context, Text

RULES = load()


def context_of(rule: Rule, example: str) -> Context:
    """Return a context of the rule: one of names if the example has no space."""
    names = sorted(rule.contexts & NAMES)
    prose = sorted(rule.contexts & PROSE)
    if not example.isidentifier():
        return [*prose, *names][0]
    if example.startswith("test_") and "test name" in names:
        return "test name"
    return [*names, *prose][0]


def matches(rule: Rule, example: str) -> bool:
    """Whether the rule finds something in an example, in a file and a context of the rule."""
    path = rule.paths[0].replace("*", "a.py") if rule.paths else "shared/a.py"
    text = Text(1, context_of(rule, example), example)
    return any(each.rule == rule.id for each in findings_in(path, [text], RULES))


def examples(field: Literal["bad", "good"]) -> list[tuple[Rule, str]]:
    return [(rule, example) for rule in RULES.each for example in getattr(rule, field)]


def label(value: Rule | str) -> str:
    return value.id if isinstance(value, Rule) else value


@pytest.mark.parametrize(("rule", "example"), examples("bad"), ids=label)
def test_rule_finds_its_bad_example(rule: Rule, example: str) -> None:
    assert matches(rule, example)


@pytest.mark.parametrize(("rule", "example"), examples("good"), ids=label)
def test_rule_accepts_its_good_example(rule: Rule, example: str) -> None:
    assert not matches(rule, example)


def test_every_rule_has_a_unique_id_and_examples() -> None:
    assert len({rule.id for rule in RULES.each}) == len(RULES.each)
    for rule in RULES.each:
        assert rule.bad, rule.id
        assert rule.good, rule.id


def test_every_pattern_of_paths_matches_a_file() -> None:
    files = listed((), ())
    for pattern in {*RULES.exclude, *(path for rule in RULES.each for path in rule.paths)}:
        assert any(fnmatch(file, pattern) for file in files), pattern


def test_unknown_key_of_a_rule_is_rejected(tmp_path: Path) -> None:
    file = tmp_path / "rules.toml"
    file.write_text(RULES_FILE.read_text() + "only_frist = true\n")
    with pytest.raises(ValueError, match="unknown key only_frist"):
        load(file)


def found(context: Context, content: str, rules: Rules = RULES) -> list[tuple[int, str]]:
    texts = [Text(1, context, content)]
    return [(each.line, each.rule) for each in findings_in("shared/a.py", texts, rules)]


def test_finding_has_the_line_of_its_word() -> None:
    assert found("docstring", "Returns the plan.\nIt tells\nus.") == [(2, "tell")]


def test_code_quotations_and_link_targets_are_hidden() -> None:
    assert not found("markdown", 'Use `tell`, "tell" and [this](tell.md) or https://a.b/tell.')


def test_sentence_over_the_limit_is_found() -> None:
    sentence = "one " * (RULES.max_sentence_words - 1) + "word"
    assert not found("comment", f"{sentence}. {sentence}.")
    assert found("comment", f"Short. A {sentence}.") == [(1, "long-sentence")]


def test_rule_about_beginnings_skips_later_paragraphs() -> None:
    text = Text(3, "docstring", "How long it takes.", is_first=False)
    assert not list(findings_in("shared/a.py", [text], RULES))


def test_row_of_a_table_has_no_sentence_limit() -> None:
    assert not found("markdown", "| " + "word " * 40 + "| word |")


def test_name_over_the_limit_is_found() -> None:
    name = "test_".ljust(RULES.max_test_name_characters, "a")
    assert not found("test name", name)
    assert found("test name", name + "a") == [(1, "long-test-name")]
