"""The environment of every service, against the settings that its code reads."""

import pytest

from scripts.local.ports import FUNCTIONS, SERVICES
from scripts.reference.settings import in_code, read_at_start
from shared.settings import Settings
from tests.infra.made import Made
from tests.infra.services import OF_THE_PLATFORM, variables
from tests.isolated import start

# What the platform says itself, or what there is only where there are emulators.
NEVER_SET = {"FIRESTORE_EMULATOR_HOST", "K_REVISION", "K_SERVICE", "PORT", "PUBSUB_EMULATOR_HOST"}
# What an environment may do without, and has no default: a database of its own for the counts, a
# collector, the API of the App Store beside its receipts, RevenueCat.
MAY_BE_MISSING = {
    "APPLE_ISSUER_ID",
    "APPLE_KEY_ID",
    "OTEL_EXPORTER_OTLP_ENDPOINT",
    "RATE_LIMIT_DATABASE",
    "REVENUECAT_ENTITLEMENT",
    "REVENUECAT_PROJECT",
}
# Everything else has the code's own default, so that there is one place for it.
OTHER_THAN_THE_DEFAULT = {
    "FIRESTORE_DATABASE": "after a restore it is another one",
    "GOOGLE_CLOUD_PROJECT": "references to secrets and the traces of log lines need it said",
    "TELEMETRY_EXPORT": "an environment may want traces and metrics in Google Cloud",
    "TELEMETRY_REGION": "Google Cloud takes no metrics without it",
}


def secrets() -> set[str]:
    """Return the variables of secrets."""
    return {each.variable for each in in_code(start) if each.is_secret}


def read_by(service: str) -> set[str]:
    """Return the variables that a service reads."""
    return {
        settings.variable(field)
        for settings in read_at_start(service, start)
        for field in settings.model_fields
    }


@pytest.fixture(params=SERVICES)
def service(request: pytest.FixtureRequest) -> str:
    """Every service in turn."""
    return str(request.param)


@pytest.fixture
def settings(made: Made, service: str, monkeypatch: pytest.MonkeyPatch) -> list[Settings]:
    """The settings as the service reads them."""
    for variable in read_by(service):
        monkeypatch.delenv(variable, raising=False)
    for variable, value in variables(made, service).items():
        monkeypatch.setenv(variable, value)
    return [each() for each in read_at_start(service, start)]


def test_what_a_service_reads_is_set_and_nothing_else(made: Made, service: str) -> None:
    given = variables(made, service).keys()
    expected = read_by(service) - NEVER_SET
    if service in FUNCTIONS:
        expected |= OF_THE_PLATFORM
    assert given <= expected, "nobody reads this"
    assert expected - given <= MAY_BE_MISSING | secrets(), "this is not set"


def test_no_variable_is_set_to_nothing(made: Made, service: str) -> None:
    assert "" not in variables(made, service).values()
    assert None not in variables(made, service).values()


def test_every_value_passes_and_is_the_default_unless_there_is_a_reason(
    settings: list[Settings],
) -> None:
    for each in settings:
        defaults = type(each).model_construct()
        for field in type(each).model_fields:
            variable = each.variable(field)
            if getattr(each, field) != getattr(defaults, field):
                assert variable in {*OTHER_THAN_THE_DEFAULT, *secrets(), *MAY_BE_MISSING}, variable


def test_what_may_be_missing_can_be_set_and_what_is_never_set_is_not(full: Made) -> None:
    given = {name for service in SERVICES for name in variables(full, service)}
    assert given - OF_THE_PLATFORM == {each.variable for each in in_code(start)} - NEVER_SET


def test_production_has_the_defaults_but_for_what_only_it_can_know(prod: Made) -> None:
    defaults = {each.variable: each.default for each in in_code(start)}
    others = {
        name
        for service in SERVICES
        for name, value in variables(prod, service).items()
        if name not in OF_THE_PLATFORM | secrets() and value != defaults[name]
    }
    assert others == {"GOOGLE_CLOUD_PROJECT", "TELEMETRY_REGION"}
