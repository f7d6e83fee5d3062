"""Spellings of paths."""

import pytest

from shared.web.paths import Paths

PATHS = Paths({"/": 0, "/user/{idOrLookup}": 1, "/user/create": 2, "/user": 3, "/a.b/c": 4})

SPELLINGS = {
    "/": ("/", 0, {}),
    "//": ("/", 0, {}),
    "/v2": ("/", 0, {}),
    "/V2//": ("/", 0, {}),
    "/user": ("/user", 3, {}),
    "/User/": ("/user", 3, {}),
    "//V2///USER//": ("/user", 3, {}),
    "/user/create": ("/user/create", 2, {}),
    "//user//create/": ("/user/create", 2, {}),
    "/v2/USER/Create": ("/user/create", 2, {}),
    "/user/createX": ("/user/{idOrLookup}", 1, {"idOrLookup": "createX"}),
    "/USER/AbC": ("/user/{idOrLookup}", 1, {"idOrLookup": "AbC"}),
    "/V2//User//AbC//": ("/user/{idOrLookup}", 1, {"idOrLookup": "AbC"}),
    "/A.B/C": ("/a.b/c", 4, {}),
}
UNKNOWN = ("", "user", "/users", "/user/a/b", "/v3/user", "/v2/v2/user", "/aXb/c", "/u/ser")
HOMOGLYPHS = ("/u\u017fer", "/user\n", "/\u212a")


@pytest.mark.parametrize("path", SPELLINGS)
def test_path_spellings_match_one_target(path: str) -> None:
    found = PATHS.find(path)
    assert found is not None
    assert (found.template, found.target, found.parameters) == SPELLINGS[path]


@pytest.mark.parametrize("path", UNKNOWN + HOMOGLYPHS, ids=ascii)
def test_unknown_path_is_not_found(path: str) -> None:
    assert Paths({"/user": 3, "/user/{id}": 1, "/a.b/c": 4, "/k": 5}).find(path) is None


def test_path_with_many_slashes_takes_linear_time() -> None:
    # Quadratic time would take hours.
    assert PATHS.find("/" * 1_000_000 + "x" + "/" * 1_000_000 + "y") is None
