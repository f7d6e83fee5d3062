"""Forward auth: a proxy of the operator signs users in, and names them in a header.

Source: contract, heading "Callers"
"""

import re
from collections.abc import Sequence
from functools import cached_property
from ipaddress import (
    IPv4Address,
    IPv4Network,
    IPv6Address,
    IPv6Network,
    ip_address,
    ip_network,
)
from typing import Self

from pydantic import Field, field_validator, model_validator
from pydantic_settings import SettingsConfigDict

from shared.auth.named_user import NamedUser
from shared.settings import Settings

_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_MAX_NAME_CHARACTERS = 256

Network = IPv4Network | IPv6Network


class ForwardAuthSettings(Settings):
    """The proxy that signs users in. Not for Google Cloud."""

    model_config = SettingsConfigDict(env_prefix="FORWARD_AUTH_")

    header: str | None = None
    """The header in which the proxy names the user, for example `Remote-User`."""

    trusted_proxies: str | None = Field(default=None, validate_default=True)
    """The addresses and networks of the proxy, separated by commas, for example `10.0.0.0/8,::1`.

    The header of any other sender is ignored. Required if the header is set.
    """

    revision: str | None = Field(default=None, validation_alias="K_REVISION")
    """The name of the revision in its log lines; the platform sets it."""

    @field_validator("header")
    @classmethod
    def _check_header(cls, header: str | None) -> str | None:
        if header is not None and not _TOKEN.fullmatch(header):
            raise ValueError("must be the name of a header")
        return header

    @field_validator("trusted_proxies")
    @classmethod
    def _check_proxies(cls, proxies: str | None) -> str | None:
        _parse_networks(proxies or "")
        return proxies

    @model_validator(mode="after")
    def _check_both(self) -> Self:
        if self.header is None:
            return self
        if not self.networks:
            raise ValueError("FORWARD_AUTH_HEADER requires FORWARD_AUTH_TRUSTED_PROXIES")
        if self.revision is not None:
            # The load balancer passes a client's own header on, and the peer is always Google's.
            raise ValueError("FORWARD_AUTH_HEADER cannot be used on Google Cloud")
        return self

    @cached_property
    def networks(self) -> tuple[Network, ...]:
        """The networks of `trusted_proxies`."""
        return _parse_networks(self.trusted_proxies or "")


class ForwardAuth:
    """Finds the user whom a trusted proxy names."""

    def __init__(self, settings: ForwardAuthSettings) -> None:
        self.header = settings.header
        """The header with the name; None if forward auth is off."""
        self._networks = settings.networks

    def find(self, peer: str | None, names: Sequence[str]) -> NamedUser | None:
        """Return the user.

        None if the peer is not a trusted proxy, or if it does not send exactly one name.

        Args:
            peer: the address of the immediate sender of the request.
            names: all values of the header. A proxy that adds its value to the client's is not
                safe, so two values name no user.
        """
        if len(names) != 1 or not self._is_trusted(peer):
            return None
        name = names[0].strip()
        return NamedUser(name) if 0 < len(name) <= _MAX_NAME_CHARACTERS else None

    def _is_trusted(self, peer: str | None) -> bool:
        try:
            address: IPv4Address | IPv6Address = ip_address(peer or "")
        except ValueError:  # for example a Unix socket
            return False
        # A server that listens on IPv6 sees 10.1.2.3 as ::ffff:10.1.2.3.
        if isinstance(address, IPv6Address) and address.ipv4_mapped is not None:
            address = address.ipv4_mapped
        return any(address in network for network in self._networks)


def _parse_networks(text: str) -> tuple[Network, ...]:
    """Parse comma-separated addresses and networks.

    Raises:
        ValueError: an entry is neither.
    """
    entries = (entry.strip() for entry in text.split(","))
    try:
        return tuple(ip_network(entry, strict=False) for entry in entries if entry)
    except ValueError:
        raise ValueError("must be comma-separated addresses and networks") from None
