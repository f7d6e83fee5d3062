"""Causes of redirects. The app must never meet one: it would send a POST as a GET."""

import re
from urllib.parse import SplitResult, urljoin, urlsplit

from scripts.client.doctor.findings import Cause
from scripts.client.doctor.server import Answer

_AS_GET = "After a redirect, apps send a POST as a GET."
_SIGN_IN = re.compile(
    r"\b(?:auth|authelia|authentik|log-?in|sign-?in|sso|oidc|oauth2?)\b"
    r"|cdn-cgi/access|redirect_ur[il]=|[?&]rd="
)


def redirect_cause(answer: Answer, base: str) -> Cause:
    """Return the cause of a redirect, from its target alone."""
    path = answer.route.partition(" ")[2]
    origin = urlsplit(f"{base}{path}")
    target = urlsplit(urljoin(origin.geturl(), answer.headers.get("location", "")))
    has_same_place = target.hostname == origin.hostname and target.path == origin.path
    if has_same_place and (origin.scheme, target.scheme) == ("http", "https"):
        return Cause(
            f"redirects to https ({answer.status})",
            f"Enter {_base(target, path)} in the app. {_AS_GET}",
        )
    if target.hostname == origin.hostname and _differ_in_slash(target.path, origin.path):
        return Cause(
            f"redirects to the same path with another slash ({answer.status})",
            f"Remove the rule of the proxy that adds or removes slashes. {_AS_GET}",
        )
    # Sign-in pages often have another host, so only the words of the URL show them.
    if _SIGN_IN.search(target.geturl().lower()):
        return Cause(
            f"redirects to a sign-in page of the proxy, at {target.hostname} ({answer.status})",
            "The app cannot fill in a sign-in page. Exclude this address from the sign-in of the "
            "proxy, or let the proxy accept a header, and give it with --header.",
        )
    return Cause(
        f"redirects to another address, at {target.hostname} ({answer.status})",
        f"Enter {_base(target, path)} in the app, if that is LiftLog. {_AS_GET}",
    )


def _differ_in_slash(one: str, other: str) -> bool:
    return one != other and re.sub("/+", "/", one).strip("/") == re.sub("/+", "/", other).strip("/")


def _base(target: SplitResult, path: str) -> str:
    """Return the target as a base address, without its query."""
    return target._replace(query="", fragment="").geturl().removesuffix(path)
