"""What is watched, and what whoever is woken up gets to read."""

import re

from scripts.local.stack import ROOT
from tests.infra.made import Made, Resource

_INCIDENTS = ROOT / "docs" / "incidents"


def page(policy: Resource) -> str:
    """Return the name of the page that an alert refers to."""
    text = policy.block("documentation")["content"]
    [name] = set(re.findall(r"docs/incidents/([a-z-]+)\.md", text))
    return str(name)


def test_every_alert_has_a_page_and_every_page_an_alert(prod: Made) -> None:
    alerts = {page(each) for each in prod.of("monitoring_alert_policy")}
    alerts |= {"budget"} if prod.of("billing_budget") else set()
    assert alerts == {path.stem for path in _INCIDENTS.glob("*.md")} - {"README"}


def test_every_alert_reaches_somebody(made: Made) -> None:
    channels = {each["id"] for each in made.of("monitoring_notification_channel")}
    channels |= {each["name"] for each in made.of("monitoring_notification_channel")}
    for policy in made.of("monitoring_alert_policy"):
        assert policy["notification_channels"], policy.address
        assert set(policy["notification_channels"]) <= channels
        assert policy["enabled"] is not False


def test_every_metric_that_an_alert_asks_for_is_made_here_or_by_google(prod: Made) -> None:
    own = {each["name"] for each in prod.of("logging_metric")}
    for policy in prod.of("monitoring_alert_policy"):
        named = set(re.findall(r"logging\.googleapis\.com/user/([\w./-]+)", str(policy.values)))
        assert named <= own, policy.address


def test_every_metric_of_our_own_is_asked_for(prod: Made) -> None:
    asking = str([each.values for each in prod.of("monitoring_alert_policy")])
    asking += str([each.values for each in prod.of("monitoring_dashboard")])
    for metric in prod.of("logging_metric"):
        assert f"logging.googleapis.com/user/{metric['name']}" in asking, metric["name"]
