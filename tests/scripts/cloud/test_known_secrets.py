"""The known secrets, compared with the code that reads them."""

import pytest

from scripts.cloud.known_secrets import KNOWN_SECRETS, get_secret
from scripts.reference.settings import in_code, listed
from tests.infra.test_settings import NEVER_SET
from tests.service_start import start


def test_known_secrets_match_the_code() -> None:
    known = {(secret.variable, listed(set(secret.read_by))) for secret in KNOWN_SECRETS}
    secrets = (each for each in in_code(start) if each.is_secret)
    assert known == {(e.variable, e.read_by) for e in secrets if e.variable not in NEVER_SET}
    assert len(KNOWN_SECRETS) == len(known)


def test_secret_is_found_by_variable_and_id() -> None:
    assert get_secret("WEB_AUTH_KEY") is get_secret("web-auth-key")
    variables = {get_secret(secret.id).variable for secret in KNOWN_SECRETS}
    assert variables == {each.variable for each in KNOWN_SECRETS}


def test_unknown_name_is_not_repeated() -> None:
    with pytest.raises(ValueError, match="one of API_KEYS, ") as caught:
        get_secret("hunter2")
    assert "hunter2" not in str(caught.value)
