"""The rules of `rules.toml`: each one holds for its own examples."""

from typing import Literal

import pytest

from tests.prose.rules import Rule, Rules, findings_in, load, searched
from tests.prose.texts import Context, Text

RULES = load()


def matches(rule: Rule, example: str) -> bool:
    """Whether the rule finds something in an example: a name if it has no space, or prose."""
    context: Context = "identifier" if example.isidentifier() else "docstring"
    text = Text(1, context, example)
    return any(rule.matches(text, searched(text)))


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
