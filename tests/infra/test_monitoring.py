"""What is watched, and what whoever is woken up gets to read."""

import importlib.util
import json
import re

from scripts.local.ports import CALLED_BY_APPS
from scripts.local.stack import ROOT
from tests.infra.made import Made, Resource
from tests.infra.services import chat, function

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


def test_every_logger_whose_lines_are_counted_is_a_module_of_ours(prod: Made) -> None:
    for metric in prod.of("logging_metric"):
        loggers = re.findall(r'jsonPayload\.logger="([\w.]+)"', metric["filter"])
        assert len(loggers) == 1, metric["name"]
        assert importlib.util.find_spec(loggers[0]), metric["name"]


def test_whatever_apps_call_is_asked_whether_it_is_ready(made: Made) -> None:
    hosts = set()
    for check in made.of("monitoring_uptime_check_config"):
        http = check.block("http_check")
        assert (http["path"], http["port"], http["use_ssl"]) == ("/health/ready", 443, True)
        hosts.add(check.block("monitored_resource")["labels"]["host"])
    urls = [function(made, name).block("service_config")["uri"] for name in CALLED_BY_APPS]
    urls.append(chat(made)["uri"])
    [certificate] = made.of("compute_managed_ssl_certificate")
    domains = certificate.block("managed")["domains"]
    assert hosts == {url.removeprefix("https://") for url in urls} | set(domains)


def test_the_dashboard_can_be_read_and_its_charts_do_not_overlap(prod: Made) -> None:
    [dashboard] = prod.of("monitoring_dashboard")
    layout = json.loads(dashboard["dashboard_json"])["mosaicLayout"]
    covered = [
        (x, y)
        for tile in layout["tiles"]
        for x in range(tile["xPos"], tile["xPos"] + tile["width"])
        for y in range(tile["yPos"], tile["yPos"] + tile["height"])
    ]
    assert len(covered) == len(set(covered))
    assert max(x for x, _ in covered) < layout["columns"]


def test_a_month_that_costs_too_much_is_told_of_before_it_is_over(prod: Made) -> None:
    [budget] = prod.of("billing_budget")
    amount = budget.block("amount", "specified_amount")
    assert int(amount["units"]) > 0
    bases = {each["spend_basis"] for each in budget["threshold_rules"]}
    assert "FORECASTED_SPEND" in bases
    assert min(each["threshold_percent"] for each in budget["threshold_rules"]) < 1
    channels = budget.block("all_updates_rule")["monitoring_notification_channels"]
    assert channels == [each["id"] for each in prod.of("monitoring_notification_channel")]
