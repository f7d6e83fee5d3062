"""What is watched, and what whoever is woken up gets to read."""

import json
import re
from importlib import import_module

from scripts.local.ports import CALLED_BY_APPS
from scripts.root import ROOT
from tests.infra.configuration import parsed
from tests.infra.environments import INFRA, PROJECT_NUMBER
from tests.infra.made import Made, Resource
from tests.infra.services import chat, function

_INCIDENTS = ROOT / "docs" / "operations" / "incidents"


def page(policy: Resource) -> str:
    """Return the name of the page that an alert refers to."""
    text = policy.block("documentation")["content"]
    [name] = set(re.findall(r"docs/operations/incidents/([a-z-]+)\.md", text))
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


def asked_for(resource: Resource) -> set[str]:
    """Return the metrics of our own that a resource names, in either of the two ways."""
    text = str(resource.values)
    named = set(re.findall(r"logging\.googleapis\.com/user/([\w./-]+)", text))
    in_promql = set(re.findall(r"logging_googleapis_com:user_(\w+)", text))
    return {re.sub(r"\W", "_", each) for each in named} | in_promql


def own(made: Made) -> set[str]:
    """Return the metrics of our own by their names in PromQL; distributions have a sum there."""
    return {
        re.sub(r"\W", "_", each["name"])
        + ("_sum" if each.block("metric_descriptor")["value_type"] == "DISTRIBUTION" else "")
        for each in made.of("logging_metric")
    }


def test_every_metric_that_is_asked_for_is_made_here_or_by_google(prod: Made) -> None:
    for each in [*prod.of("monitoring_alert_policy"), *prod.of("monitoring_dashboard")]:
        assert asked_for(each) <= own(prod), each.address


def test_every_metric_of_our_own_is_asked_for(prod: Made) -> None:
    asking = [*prod.of("monitoring_alert_policy"), *prod.of("monitoring_dashboard")]
    assert own(prod) == set().union(*(asked_for(each) for each in asking))


def test_an_alert_can_be_made_in_the_same_minute_as_the_metrics_it_asks_for(prod: Made) -> None:
    for policy in prod.of("monitoring_alert_policy"):
        if asked_for(policy):
            asks = policy.block("conditions", "condition_prometheus_query_language")
            assert asks["disable_metric_validation"]


def test_the_lines_that_are_looked_for_have_a_logger_of_ours(prod: Made) -> None:
    named = set(re.findall(r'jsonPayload\.logger=\\*"([\w.]+)\\*"', str(_filters(prod))))
    assert named
    for name in named:
        module = import_module(name)
        assert vars(module)["logger"].name == name


def test_messages_of_the_cleanup_that_were_put_aside_are_watched(prod: Made) -> None:
    [policy] = [
        each for each in prod.of("monitoring_alert_policy") if page(each) == "cleanup-dead-letters"
    ]
    watched = policy.block("conditions", "condition_threshold")["filter"]
    [cleanup] = prod.of("pubsub_subscription", name="cleanup")
    topic = cleanup.block("dead_letter_policy")["dead_letter_topic"]
    [keeper] = prod.of("pubsub_subscription", topic=topic)
    assert f'subscription_id="{keeper["name"]}"' in watched


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


def test_every_chart_of_the_dashboard_has_a_name_and_asks_something(prod: Made) -> None:
    [dashboard] = prod.of("monitoring_dashboard")
    widgets = json.loads(dashboard["dashboard_json"])["gridLayout"]["widgets"]
    assert len({widget["title"] for widget in widgets}) == len(widgets)
    for widget in widgets:
        queries = [each["timeSeriesQuery"] for each in widget["xyChart"]["dataSets"]]
        assert queries, widget["title"]
        assert all(each["prometheusQuery"] for each in queries), widget["title"]


def test_a_month_that_costs_too_much_is_told_of_before_it_is_over(prod: Made) -> None:
    [budget] = prod.of("billing_budget")
    amount = budget.block("amount", "specified_amount")
    assert int(amount["units"]) > 0
    said = parsed(INFRA / "prod.tfvars")["budget"]
    assert (amount["units"], amount["currency_code"]) == (str(said["units"]), said["currency"])
    # Of this environment alone: the billing account may pay for more.
    assert budget.block("budget_filter")["projects"] == [f"projects/{PROJECT_NUMBER}"]
    shares = {
        (each["threshold_percent"], each["spend_basis"]) for each in budget["threshold_rules"]
    }
    spent = {share for share, basis in shares if basis != "FORECASTED_SPEND"}
    assert min(spent) < 1 == max(spent)
    assert (1, "FORECASTED_SPEND") in shares
    channels = budget.block("all_updates_rule")["monitoring_notification_channels"]
    assert channels == [each["id"] for each in prod.of("monitoring_notification_channel")]


def _filters(made: Made) -> list[str]:
    sightings = [
        condition["filter"]
        for policy in made.of("monitoring_alert_policy")
        for condition in policy.block("conditions")["condition_matched_log"]
    ]
    return sightings + [each["filter"] for each in made.of("logging_metric")]
