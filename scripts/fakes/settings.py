"""How functions on this machine reach the fakes for what nobody has given them a key to."""

from collections.abc import Mapping

from scripts.fakes import revenuecat

WEB_KEY = "test-web-auth-key-12345"
"""The key of the web app's debug build."""


def lacks_model(environment: Mapping[str, str]) -> bool:
    """Whether nobody has said where a language model is."""
    return not (environment.get("OPENAI_API_KEY") or environment.get("OPENAI_BASE_URL"))


def lacks_revenuecat(environment: Mapping[str, str]) -> bool:
    """Whether nobody has given us a key to RevenueCat."""
    return not environment.get("REVENUECAT_API_KEY")


def local_services(environment: Mapping[str, str], fakes: str) -> dict[str, str]:
    """Return the settings that `environment` leaves open, with the fakes at that address."""
    settings = {}
    if not environment.get("WEB_AUTH_KEY"):
        settings["WEB_AUTH_KEY"] = WEB_KEY
    if lacks_model(environment):
        settings |= {
            "OPENAI_API_KEY": "fake",
            "OPENAI_BASE_URL": f"{fakes}/openai/v1",
            "OPENAI_MODEL": "fake",
        }
    elif not environment.get("OPENAI_API_KEY"):
        settings["OPENAI_API_KEY"] = "none"  # a server of one's own usually wants no key
    if lacks_revenuecat(environment):
        settings |= {
            "REVENUECAT_API_KEY": revenuecat.KEY,
            "REVENUECAT_PROJECT": revenuecat.PROJECT,
            "REVENUECAT_ENTITLEMENT": revenuecat.ENTITLEMENT,
            "REVENUECAT_URL": f"{fakes}/revenuecat",
        }
    return settings
