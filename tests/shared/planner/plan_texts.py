"""Hypothesis strategies for plans of both years, and random JSON spellings of them."""

import json
import random
from typing import Any

from hypothesis import strategies as st

_LETTERS = st.one_of(
    st.sampled_from('aB9"\\/{}[]:,-. \n\t\x00\u00e9\u2028\ufffd\u6f22\U0001f3cb\U0001f600'),
    st.characters(exclude_categories=["Cs"]),
)
_NAMES = st.text(_LETTERS, min_size=1, max_size=6)
_LINKS = st.sampled_from(["", "https://example.org/\u6f22?a=1"])
_TEXTS = st.text(_LETTERS, max_size=6)
_COUNTS = st.integers(1, 20)
_SECONDS = st.lists(st.integers(0, 59), min_size=3, max_size=3).map(sorted)


def _rests(spell: str) -> st.SearchStrategy[dict[str, str]]:
    names = ("minRest", "maxRest", "failureRest")
    return _SECONDS.map(
        lambda rests: {name: spell.format(rest) for name, rest in zip(names, rests, strict=True)}
    )


_ISO_RESTS = _rests("PT{}S")
_DECIMALS = st.sampled_from(["1", "2.5", "12.75", "100"])
_RANGES = st.lists(st.integers(1, 100), min_size=2, max_size=2).map(
    lambda pair: {"min": min(pair), "max": max(pair)}
)
_SCOPES = st.one_of(
    st.just({"type": "allSets"}),
    st.sampled_from(["first", "middle", "last", "all"]).map(
        lambda pick: {"type": "lowestSets", "pick": pick}
    ),
)
_TRIGGER = st.just("allSetsMetTarget")
_RULES = st.one_of(
    st.fixed_dictionaries(
        {
            "axis": st.just("reps"),
            "step": _DECIMALS,
            "scope": _SCOPES,
            "ceiling": st.none() | _DECIMALS,
            "onCeiling": st.sampled_from([None, "reset"]),
            "trigger": _TRIGGER,
        }
    ),
    st.fixed_dictionaries(
        {
            "axis": st.just("load"),
            "step": _DECIMALS,
            "scope": _SCOPES,
            "ceiling": st.none(),
            "onCeiling": st.none(),
            "trigger": _TRIGGER,
        }
    ),
)
_WEIGHTED = st.fixed_dictionaries(
    {
        "type": st.just("WeightedExerciseBlueprint"),
        "name": _NAMES,
        "plannedSets": st.lists(st.fixed_dictionaries({"reps": _RANGES}), min_size=1, max_size=2),
        "restBetweenSets": _ISO_RESTS,
        "supersetWithNext": st.booleans(),
        "notes": _TEXTS,
        "link": _LINKS,
        "progression": st.lists(_RULES, max_size=2),
        "resistance": st.sampled_from(["none", "external", "bodyweight"]),
    }
)
_TARGETS = st.one_of(
    st.fixed_dictionaries({"type": st.just("time"), "value": st.just("PT1M30S")}),
    st.fixed_dictionaries(
        {
            "type": st.just("distance"),
            "value": st.fixed_dictionaries(
                {"value": _DECIMALS, "unit": st.sampled_from(["metre", "mile"])}
            ),
        }
    ),
)
_TRACKED = ("Duration", "Distance", "Resistance", "Incline", "Weight", "Steps")
_CARDIO_SETS = st.fixed_dictionaries(
    {
        "target": _TARGETS,
        "restBetweenSets": st.none() | _ISO_RESTS,
        **{f"track{name}": st.booleans() for name in _TRACKED},
    }
)
_CARDIO = st.fixed_dictionaries(
    {
        "type": st.just("CardioExerciseBlueprint"),
        "name": _NAMES,
        "sets": st.lists(_CARDIO_SETS, min_size=1, max_size=2),
        "notes": _TEXTS,
        "link": _LINKS,
    }
)

exercises_2025 = st.fixed_dictionaries(
    {
        "name": _NAMES,
        "sets": _COUNTS,
        "repsPerSet": st.integers(1, 100),
        "weightIncreaseOnSuccess": st.sampled_from([0, 1.25, 2.5, 10, 12.5]),
        "restBetweenSets": _rests("00:00:{:02}"),
        "supersetWithNext": st.booleans(),
        "notes": _TEXTS,
        "link": _LINKS,
    }
)
"""Exercises for apps of 2025."""

exercises_2026: st.SearchStrategy[dict[str, Any]] = st.one_of(_WEIGHTED, _CARDIO)
"""Exercises of plan version 3, in the form that the model writes."""


def plans(exercises: st.SearchStrategy[dict[str, Any]]) -> st.SearchStrategy[dict[str, Any]]:
    """Return plans with such exercises."""
    session = {
        "name": _NAMES,
        "exercises": st.lists(exercises, min_size=1, max_size=3),
        "notes": _TEXTS,
    }
    return st.fixed_dictionaries(
        {
            "name": _NAMES,
            "description": _TEXTS,
            "sessions": st.lists(st.fixed_dictionaries(session), min_size=1, max_size=3),
        }
    )


def write_json(content: Any, rng: random.Random) -> str:
    """Write JSON with the keys in random order, and in a random spelling."""
    match content:
        case dict():
            keys = rng.sample(list(content), len(content))
            members = (
                f"{_text(key, rng)}{_whitespace(rng)}:{write_json(content[key], rng)}"
                for key in keys
            )
            return _join("{", members, "}", rng)
        case list():
            return _join("[", (write_json(item, rng) for item in content), "]", rng)
        case str():
            return _whitespace(rng) + _text(content, rng) + _whitespace(rng)
        case bool() | None:
            return _whitespace(rng) + json.dumps(content)
    return _whitespace(rng) + _number(content, rng)


def _join(begin: str, members: Any, end: str, rng: random.Random) -> str:
    inside = f"{_whitespace(rng)},{_whitespace(rng)}".join(members)
    return f"{_whitespace(rng)}{begin}{inside}{_whitespace(rng)}{end}{_whitespace(rng)}"


def _whitespace(rng: random.Random) -> str:
    return rng.choice(["", "", "", " ", "\n", "\r\n\t"])


def _text(content: str, rng: random.Random) -> str:
    escaped = json.dumps(content, ensure_ascii=rng.random() < 1 / 2)
    if content.isascii() and content.isalnum() and rng.random() < 1 / 4:
        return '"' + "".join(f"\\u{ord(letter):04x}" for letter in content) + '"'
    return escaped


def _number(content: float, rng: random.Random) -> str:
    plain = json.dumps(content)
    return rng.choice([plain, plain, f"{content:.4e}", f"{content * 100:.4f}e-2", f"{content:.3f}"])
