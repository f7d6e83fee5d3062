"""The environment variables of services, compared with the settings of their code."""

import pytest

from scripts.local.ports import FUNCTIONS, SERVICES
from scripts.reference.settings import in_code, read_at_start
from shared.settings import Settings
from tests.infra.services import PLATFORM_VARIABLES, variables
from tests.infra.state import State
from tests.service_start import start

# Variables that the platform sets, that exist only with emulators or on one machine, or that
# Terraform rejects (forward auth).
NEVER_SET = {
    "BACKUP_ENCRYPTION_KEY",
    "BACKUP_FOLDER",
    "DATABASE_FILE",
    "FIRESTORE_EMULATOR_HOST",
    "FORWARD_AUTH_HEADER",
    "FORWARD_AUTH_TRUSTED_PROXIES",
    "K_REVISION",
    "K_SERVICE",
    "PORT",
    "PUBSUB_EMULATOR_HOST",
}
# Optional variables without a default: a separate database for rate limits, a collector, the API of
# the App Store in addition to receipts, RevenueCat.
OPTIONAL = {
    "APPLE_ISSUER_ID",
    "APPLE_KEY_ID",
    "OTEL_EXPORTER_OTLP_ENDPOINT",
    "RATE_LIMIT_DATABASE",
    "REVENUECAT_ENTITLEMENT",
    "REVENUECAT_PROJECT",
}
# Variables whose value may differ from the default of the code, with the reason.
DIFFERENT = {
    "BACKUP_BUCKET": "each environment has its own bucket",
    "FIRESTORE_DATABASE": "a restored database has another name",
    "GOOGLE_CLOUD_PROJECT": "references to secrets and trace ids in log lines contain the project",
    "TELEMETRY_EXPORT": "an environment may export traces and metrics to Google Cloud",
    "TELEMETRY_REGION": "Google Cloud rejects metrics without a region",
}


def secrets() -> set[str]:
    """Return the variables that are secrets."""
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
    """Return each service in turn."""
    return str(request.param)


@pytest.fixture
def settings(state: State, service: str, monkeypatch: pytest.MonkeyPatch) -> list[Settings]:
    """Return the settings as the service reads them."""
    for variable in read_by(service):
        monkeypatch.delenv(variable, raising=False)
    for variable, value in variables(state, service).items():
        monkeypatch.setenv(variable, value)
    return [each() for each in read_at_start(service, start)]


def test_service_gets_only_variables_that_it_reads(state: State, service: str) -> None:
    actual = variables(state, service).keys()
    expected = read_by(service) - NEVER_SET
    if service in FUNCTIONS:
        expected |= PLATFORM_VARIABLES
    assert actual <= expected, "the service does not read these variables"
    assert expected - actual <= OPTIONAL | secrets(), "these variables are not set"


def test_variables_have_values(state: State, service: str) -> None:
    assert "" not in variables(state, service).values()
    assert None not in variables(state, service).values()


def test_values_are_valid_and_mostly_defaults(
    settings: list[Settings],
) -> None:
    for each in settings:
        defaults = type(each).model_construct()
        for field in type(each).model_fields:
            variable = each.variable(field)
            if getattr(each, field) != getattr(defaults, field):
                assert variable in {*DIFFERENT, *secrets(), *OPTIONAL}, variable


def test_every_setting_of_the_code_can_be_set(full: State) -> None:
    actual = {name for service in SERVICES for name in variables(full, service)}
    assert actual - PLATFORM_VARIABLES == {each.variable for each in in_code(start)} - NEVER_SET


def test_prod_differs_from_defaults_in_three_variables(prod: State) -> None:
    defaults = {each.variable: each.default for each in in_code(start)}
    others = {
        name
        for service in SERVICES
        for name, value in variables(prod, service).items()
        if name not in PLATFORM_VARIABLES | secrets() and value != defaults[name]
    }
    assert others == {"BACKUP_BUCKET", "GOOGLE_CLOUD_PROJECT", "TELEMETRY_REGION"}
