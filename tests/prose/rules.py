"""The rules of `rules.toml`, and what they find in a text."""

import re
import tomllib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

from scripts.root import ROOT
from tests.prose.files import listed, texts_of
from tests.prose.texts import CONTEXTS, NAMES, PROSE, Context, Text, words_of

RULES_FILE = Path(__file__).with_name("rules.toml")

_CODE = re.compile(r"``.+?``|`[^`]*`|https?://\S+|\"[^\"]*\"", re.DOTALL)
_LINK_TARGET = re.compile(r"(?<=\])\([^)]*\)")
_SENTENCE_END = re.compile(r"(?<=[.!?:;])\s+(?=[\"'(]?[A-Z`x])|(?<=[.!?])\s+")
_ABBREVIATION = re.compile(r"\b(e\.g|i\.e|etc|vs|cf|approx)\.")
_BEFORE, _EXCERPT = 40, 110
_KEYS = {
    "bad", "contexts", "except", "good", "id", "ignore_case", "message", "only_first", "paths",
    "pattern",
}  # fmt: skip


@dataclass(frozen=True)
class Rule:
    """A construction to avoid, and what to write instead."""

    id: str
    pattern: re.Pattern[str]
    message: str
    contexts: frozenset[Context]
    allowed: re.Pattern[str] | None
    """A match inside of a match of this one is right."""

    paths: tuple[str, ...]
    """Patterns of the files where the rule applies; all files without any."""

    only_first: bool
    """Whether only the first paragraph of a docstring is searched."""

    bad: tuple[str, ...]
    good: tuple[str, ...]

    def applies_to(self, path: str) -> bool:
        """Whether the rule is for this file."""
        return not self.paths or any(fnmatch(path, pattern) for pattern in self.paths)

    def matches(self, text: Text, words: str) -> Iterator[re.Match[str]]:
        """Yield the matches in the `words` that are searched of `text`, except allowed ones."""
        if (self.only_first and not text.is_first) or not self.pattern.search(words):
            return
        spans = [each.span() for each in self.allowed.finditer(words)] if self.allowed else []
        for match in self.pattern.finditer(words):
            if not any(start <= match.start() and match.end() <= end for start, end in spans):
                yield match


@dataclass(frozen=True)
class Rules:
    """All rules, with the limits and the files that are left out."""

    each: tuple[Rule, ...]
    exclude: tuple[str, ...]
    max_sentence_words: int
    max_test_name_characters: int


@dataclass(frozen=True)
class Finding:
    """One place that a rule rejects."""

    path: str
    line: int
    rule: str
    excerpt: str
    message: str

    def __str__(self) -> str:
        """Return it as one line, as compilers write theirs."""
        return f"{self.path}:{self.line}: {self.rule}: {self.excerpt} ({self.message})"


def load(file: Path = RULES_FILE) -> Rules:
    """Read a file of rules.

    Raises:
        KeyError, ValueError, re.error: a rule lacks a key, has an unknown one, or its pattern is
            not a regular expression.
    """
    content = tomllib.loads(file.read_text())
    limits = content["limits"]
    return Rules(
        each=tuple(_rule(table) for table in content["rule"]),
        exclude=tuple(content["exclude"]),
        max_sentence_words=limits["sentence_words"],
        max_test_name_characters=limits["test_name_characters"],
    )


def _rule(table: dict[str, Any]) -> Rule:
    if unknown := table.keys() - _KEYS:
        raise ValueError(f"rule {table['id']}: unknown key {', '.join(sorted(unknown))}")
    flags = re.IGNORECASE if table.get("ignore_case") else re.NOFLAG
    allowed = table.get("except")
    return Rule(
        id=table["id"],
        pattern=re.compile(table["pattern"], flags),
        message=table["message"],
        contexts=_contexts(table["contexts"]),
        allowed=re.compile(allowed, flags) if allowed else None,
        paths=tuple(table.get("paths", ())),
        only_first=table.get("only_first", False),
        bad=tuple(table["bad"]),
        good=tuple(table["good"]),
    )


def _contexts(names: Iterable[str]) -> frozenset[Context]:
    """Return the contexts of these names; `prose` and `names` stand for several."""
    groups = {"prose": PROSE, "names": NAMES} | {each: frozenset({each}) for each in CONTEXTS}
    return frozenset[Context]().union(*(groups[name] for name in names))


def searched(text: Text) -> str:
    """Return the words of `text` in which rules search, as long as its content.

    Code, quotations and link targets are blotted out, and line breaks are spaces. A name is its
    words.
    """
    if text.context in NAMES:
        return words_of(text.content.removeprefix("test_"))
    words = _CODE.sub(lambda match: "x" * len(match[0]), text.content.replace("\n", " "))
    return _LINK_TARGET.sub(lambda match: " " * len(match[0]), words)


def findings_in(path: str, texts: Iterable[Text], rules: Rules) -> Iterator[Finding]:
    """Yield what the rules reject in the texts of a file."""
    applied: dict[Context, list[Rule]] = {
        context: [rule for rule in rules.each if context in rule.contexts and rule.applies_to(path)]
        for context in CONTEXTS
    }
    for text in texts:
        words = searched(text)
        for rule in applied[text.context]:
            for match in rule.matches(text, words):
                line, excerpt = _place(text, match.start())
                yield Finding(path, line, rule.id, excerpt, rule.message)
        yield from _too_long(path, text, words, rules)


def _too_long(path: str, text: Text, words: str, rules: Rules) -> Iterator[Finding]:
    if text.context == "test name" and len(text.content) > rules.max_test_name_characters:
        message = f"at most {rules.max_test_name_characters} characters"
        yield Finding(path, text.line, "long-test-name", text.content, message)
    if text.context in NAMES or " | " in words:  # a row of a table
        return
    for start, sentence in _sentences(words):
        count = len(re.findall(r"\S*\w\S*", sentence))
        if count > rules.max_sentence_words:
            line, excerpt = _place(text, start)
            message = f"{count} words, at most {rules.max_sentence_words}"
            yield Finding(path, line, "long-sentence", excerpt, message)


def _sentences(words: str) -> Iterator[tuple[int, str]]:
    words = _ABBREVIATION.sub(lambda match: match[0][:-1] + "x", words)
    start = 0
    for end in _SENTENCE_END.finditer(words):
        yield start, words[start : end.start()]
        start = end.end()
    yield start, words[start:]


def _place(text: Text, start: int) -> tuple[int, str]:
    """Return the line of a match and its surroundings."""
    if text.context in NAMES:
        return text.line, text.content
    begin = max(0, start - _BEFORE)
    excerpt = text.content[begin : begin + _EXCERPT].replace("\n", " ").strip()
    return text.line + text.content.count("\n", 0, start), excerpt


def findings(rules: Rules, paths: Sequence[str] = ()) -> list[Finding]:
    """Return what the rules reject in the project's files at or below `paths`, by file and line."""
    found: list[Finding] = []
    for path in listed(paths, rules.exclude):
        try:
            source = (ROOT / path).read_text()
        except UnicodeDecodeError:
            continue
        found += findings_in(path, texts_of(path, source), rules)
    return sorted(found, key=lambda each: (each.path, each.line))
