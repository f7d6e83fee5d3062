"""Headers and addresses, with the rules of the app."""

import argparse
from collections.abc import Mapping

import pytest

from scripts.client.backend import Backend, add_header_options, base_address, headers_of


def headers(*arguments: str) -> Mapping[str, str]:
    parser = argparse.ArgumentParser()
    add_header_options(parser)
    return headers_of(parser.parse_args(arguments))


def test_headers_follow_the_rules_of_the_app() -> None:
    given = [
        "--api-key",
        "SECRET-key",
        "--header",
        " Remote-User = alice ",
        "--header",
        "A=",
        "--header",
        "=b",
        "--header",
        "remote-user=bob=builder",
    ]
    assert headers(*given) == {"X-API-Key": "SECRET-key", "remote-user": "bob=builder"}


def test_header_option_wins_over_the_key() -> None:
    assert headers("--api-key", "a", "--header", "x-api-key=b") == {"x-api-key": "b"}


def test_key_comes_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("API_KEY", "SECRET-key")
    assert headers() == {"X-API-Key": "SECRET-key"}
    assert headers("--api-key", "other") == {"X-API-Key": "other"}


@pytest.mark.parametrize("header", ["a b=c", "ä=c", "a=\u20ac", "a=b\nc"])
def test_malformed_headers_are_rejected(header: str) -> None:
    with pytest.raises(ValueError, match="header"):
        headers("--header", header)


def test_base_address_is_trimmed() -> None:
    backend = Backend(base_address("  https://lift.example.org/a// "), {"x-api-KEY": "b"})
    assert backend.url("/features") == "https://lift.example.org/a/features"
    assert backend.api_key == "b"
