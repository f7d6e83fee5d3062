"""Links of the user are kept, and links that the model made up are dropped."""

import json
import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scripts.fakes.exercises import COOL_DOWN
from shared.planner.links import find_links, keep_known_links
from shared.schemas import ai, blueprint
from tests.shared.planner.conversations import EXERCISE, PLAN, SESSION

LINK = "http://Example.org/squat_(back)?v=a-B1&t=2s#top"
TEXTS = {
    "alone": "{}",
    "in a sentence": "See {}.",
    "before a comma": "Squat,{},3 sets",
    "in brackets": "Squat ({})",
    "in Markdown": "[Squat]({}), 3 x 5",
    "as its own name": "[{0}]({0})",
    "between angle brackets": "<{}>",
    "in quotes": "'{}'",
    "in a list": "- Squat: {}\n- Row",
    "with other spaces": "Squat\t{}\u00a0and more",
    "after a link": "https://example.org/ {}",
}


def exercise(link: str) -> ai.Exercise:
    return ai.Exercise.model_validate({**EXERCISE, "link": link})


def is_kept(link: str, text: str) -> bool:
    """Return whether an exercise keeps its link after a message with `text`."""
    return bool(keep_known_links(exercise(link), find_links(text)).link)


@pytest.mark.parametrize("text", TEXTS.values(), ids=TEXTS)
def test_link_of_the_user_is_kept_unchanged(text: str) -> None:
    assert keep_known_links(exercise(LINK), find_links(text.format(LINK))).link == LINK


@pytest.mark.parametrize("ensure_ascii", [False, True])
@pytest.mark.parametrize("slash", ["/", r"\/"])
def test_link_in_a_shared_program_is_kept(slash: str, *, ensure_ascii: bool) -> None:
    link = "https://example.org/übung?a=1&b=2"
    program = json.dumps({"exercises": [{"name": "Row", "link": link}]}, ensure_ascii=ensure_ascii)
    program = program.replace("/", slash).replace("&", r"\u0026")
    assert is_kept(link, program)


@pytest.mark.parametrize(
    ("link", "text"),
    [
        ("https://www.example.org/a", "www.example.org/a"),
        ("https://youtu.be/Ab1", "as on youtu.be/Ab1, please"),
        ("https://example.org/", "http://example.org"),
        ("https://EXAMPLE.org/a", "example.ORG/a"),
        ("http://192.168.1.5:8080/a", "http://192.168.1.5:8080/a"),
        ("http://localhost/a", "http://localhost/a"),
    ],
)
def test_link_may_differ_in_scheme_and_case(link: str, text: str) -> None:
    assert is_kept(link, text)


@pytest.mark.parametrize(
    "text",
    ["", "no link", "https://example.org/other", "https://example.org/squat/deep",
     "ann@example.org/squat", "https://example.org", "example.org.evil.com/squat"],
)  # fmt: skip
def test_other_link_is_dropped(text: str) -> None:
    assert not is_kept("https://example.org/squat", text)


def test_all_other_parts_stay_unchanged() -> None:
    linked = {
        **SESSION,
        "exercises": [{**EXERCISE, "link": LINK}, {**EXERCISE, "link": "http://x.y"}],
    }
    plan = ai.LongWorkoutPlan.model_validate({**PLAN, "sessions": [linked, SESSION]})
    kept = keep_known_links(plan, find_links(LINK))
    first = {**SESSION, "exercises": [{**EXERCISE, "link": LINK}, EXERCISE]}
    assert kept.model_dump(mode="json") == {**PLAN, "sessions": [first, SESSION]}
    assert plan.sessions[0].exercises[1].link == "http://x.y"


def test_plan_version_3_is_filtered() -> None:
    plan = blueprint.Program.model_validate(program_with(link="https://example.org/a"))
    [session] = keep_known_links(plan, find_links("none")).sessions
    assert [each.link for each in session.exercises] == [""]


def program_with(link: str) -> dict[str, Any]:
    exercise = {**COOL_DOWN, "link": link}
    session = {"name": "S", "exercises": [exercise], "notes": ""}
    return {"name": "P", "description": "", "sessions": [session]}


@given(st.text(st.characters(exclude_categories=["Cs"])))
def test_any_text_can_be_searched(text: str) -> None:
    find_links(text)


@pytest.mark.parametrize(
    "unit",
    ["a", "1.", "a.", "aa.", "https://", "http://a.b/", ".", "-", r"\u0061", "a.b/,", "[", "@a.b"],
)
def test_search_takes_linear_time(unit: str) -> None:
    """A quadratic search of 256 Ki characters would take minutes."""
    text = unit * (2**18 // len(unit))
    started = time.process_time()
    find_links(text)
    assert time.process_time() - started < 20
