"""Settings that point local services to the fakes."""

from collections.abc import Mapping

from scripts.fakes import revenuecat

WEB_KEY = "test-web-auth-key-12345"
"""The key in the app's debug build, as a purchase token or as an API key."""


def lacks_model(environment: Mapping[str, str]) -> bool:
    """Return whether the environment names no language model."""
    return not (environment.get("OPENAI_API_KEY") or environment.get("OPENAI_BASE_URL"))


def lacks_revenuecat(environment: Mapping[str, str]) -> bool:
    """Return whether the environment has no key for RevenueCat."""
    return not environment.get("REVENUECAT_API_KEY")


def local_services(environment: Mapping[str, str], fakes: str) -> dict[str, str]:
    """Return the settings missing in `environment`, with the fakes at the URL `fakes`."""
    settings = {}
    # Set variables win: a developer can combine fakes and real services.
    if not environment.get("WEB_AUTH_KEY"):
        settings["WEB_AUTH_KEY"] = WEB_KEY
    if not environment.get("API_KEYS"):
        settings["API_KEYS"] = WEB_KEY
    if lacks_model(environment):
        settings |= {
            "OPENAI_API_KEY": "fake",
            "OPENAI_BASE_URL": f"{fakes}/openai/v1",
            "OPENAI_MODEL": "fake",
        }
    elif not environment.get("OPENAI_API_KEY"):
        settings["OPENAI_API_KEY"] = "none"  # a self-hosted model server usually needs no key
    if lacks_revenuecat(environment):
        settings |= {
            "REVENUECAT_API_KEY": revenuecat.KEY,
            "REVENUECAT_PROJECT": revenuecat.PROJECT,
            "REVENUECAT_ENTITLEMENT": revenuecat.ENTITLEMENT,
            "REVENUECAT_URL": f"{fakes}/revenuecat",
        }
    return settings
