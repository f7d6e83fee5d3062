"""The secrets that are known, against the code that reads them."""

import pytest

from scripts.cloud.known_secrets import KNOWN, find
from scripts.reference.settings import in_code, listed
from tests.service_start import start


def test_every_secret_of_the_code_is_known_with_who_reads_it() -> None:
    known = {(secret.variable, listed(set(secret.read_by))) for secret in KNOWN}
    assert known == {(each.variable, each.read_by) for each in in_code(start) if each.is_secret}
    assert len(KNOWN) == len(known)


def test_a_secret_is_found_by_its_variable_and_by_its_id() -> None:
    assert find("WEB_AUTH_KEY") is find("web-auth-key")
    assert {find(secret.id).variable for secret in KNOWN} == {each.variable for each in KNOWN}


def test_what_is_not_known_is_not_repeated() -> None:
    with pytest.raises(ValueError, match="none of WEB_AUTH_KEY, ") as caught:
        find("hunter2")
    assert "hunter2" not in str(caught.value)
