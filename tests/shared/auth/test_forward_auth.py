"""Forward auth: settings, trusted proxies and names."""

import pytest

from shared.auth.forward_auth import ForwardAuth, ForwardAuthSettings
from shared.auth.named_user import NamedUser


def forward_auth(proxies: str = "10.0.0.0/8, ::1,192.168.1.7") -> ForwardAuth:
    return ForwardAuth(ForwardAuthSettings(header="Remote-User", trusted_proxies=proxies))


@pytest.mark.parametrize(
    "peer", ["10.1.2.3", "::ffff:10.1.2.3", "::1", "0:0:0:0:0:0:0:1", "192.168.1.7"]
)
def test_trusted_proxy_names_the_user(peer: str) -> None:
    assert forward_auth().find(peer, ["anna"]) == NamedUser("anna")


@pytest.mark.parametrize(
    "peer", ["11.1.2.3", "::ffff:11.1.2.3", "::2", "192.168.1.8", "", None, "socket", "10.1.2.3:80"]
)
def test_other_peer_names_no_user(peer: str | None) -> None:
    assert forward_auth().find(peer, ["anna"]) is None


@pytest.mark.parametrize("names", [[], [""], ["  "], ["anna", "ben"], ["anna", ""], ["a" * 257]])
def test_names_without_a_user(names: list[str]) -> None:
    assert forward_auth().find("10.1.2.3", names) is None


@pytest.mark.parametrize("name", ["anna@example.com", "Zoë", "a" * 256, "../../etc", "anna ben"])
def test_name_has_any_form(name: str) -> None:
    assert forward_auth().find("10.1.2.3", [f" {name} "]) == NamedUser(name)


def test_forward_auth_is_off_by_default() -> None:
    off = ForwardAuth(ForwardAuthSettings())
    assert off.header is None
    assert off.find("127.0.0.1", ["anna"]) is None


@pytest.mark.parametrize(
    ("variables", "problem"),
    [
        ({"HEADER": "Remote-User"}, "requires FORWARD_AUTH_TRUSTED_PROXIES"),
        ({"HEADER": "Remote-User", "TRUSTED_PROXIES": " , "}, "requires FORWARD_AUTH_TRUSTED"),
        ({"HEADER": "Remote User", "TRUSTED_PROXIES": "::1"}, "FORWARD_AUTH_HEADER: .*a header"),
        ({"TRUSTED_PROXIES": "10.0.0.0/33"}, "FORWARD_AUTH_TRUSTED_PROXIES: .*addresses"),
        ({"HEADER": "Remote-User", "TRUSTED_PROXIES": "::1,proxy"}, "FORWARD_AUTH_TRUSTED_PROXIES"),
    ],
)
def test_malformed_setting_stops_the_start(
    monkeypatch: pytest.MonkeyPatch, variables: dict[str, str], problem: str
) -> None:
    for name, value in variables.items():
        monkeypatch.setenv(f"FORWARD_AUTH_{name}", value)
    with pytest.raises(ValueError, match=problem):
        ForwardAuthSettings()


def test_forward_auth_is_refused_on_google_cloud(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("K_REVISION", "chat-00001-abc")
    ForwardAuthSettings()
    with pytest.raises(ValueError, match="cannot be used on Google Cloud"):
        forward_auth()
