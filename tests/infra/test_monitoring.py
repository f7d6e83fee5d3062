"""Alerts, dashboard and budget, and the pages of the alerts."""

import json
import re
from collections.abc import Iterator
from importlib import import_module
from pkgutil import iter_modules
from types import ModuleType

from scripts.local.ports import CALLED_BY_APPS
from scripts.root import ROOT
from tests.infra.configuration import parse
from tests.infra.environments import INFRA, PROJECT_NUMBER
from tests.infra.services import chat, function
from tests.infra.state import Resource, State

_INCIDENTS = ROOT / "docs" / "operations" / "incidents"


def page(policy: Resource) -> str:
    """Return the name of an alert's page."""
    text = policy.block("documentation")["content"]
    [name] = set(re.findall(r"docs/operations/incidents/([a-z-]+)\.md", text))
    return str(name)


def test_alerts_match_the_pages_of_incidents(prod: State) -> None:
    alerts = {page(each) for each in prod.of("monitoring_alert_policy")}
    alerts |= {"budget"} if prod.of("billing_budget") else set()
    assert alerts == {path.stem for path in _INCIDENTS.glob("*.md")} - {"README"}


def test_alerts_have_a_notification_channel(state: State) -> None:
    channels = {each["id"] for each in state.of("monitoring_notification_channel")}
    channels |= {each["name"] for each in state.of("monitoring_notification_channel")}
    for policy in state.of("monitoring_alert_policy"):
        assert policy["notification_channels"], policy.address
        assert set(policy["notification_channels"]) <= channels
        assert policy["enabled"] is not False


def used_metrics(resource: Resource) -> set[str]:
    """Return our own metrics in the filters and PromQL queries of a resource."""
    text = str(resource.values)
    in_filters = set(re.findall(r"logging\.googleapis\.com/user/([\w./-]+)", text))
    in_promql = set(re.findall(r"logging_googleapis_com:user_(\w+)", text))
    return {re.sub(r"\W", "_", each) for each in in_filters} | in_promql


def own_metrics(state: State) -> set[str]:
    """Return our own metrics by their names in PromQL, which has a sum for each distribution."""
    return {
        re.sub(r"\W", "_", each["name"])
        + ("_sum" if each.block("metric_descriptor")["value_type"] == "DISTRIBUTION" else "")
        for each in state.of("logging_metric")
    }


def test_alerts_and_dashboard_use_existing_metrics(prod: State) -> None:
    for each in [*prod.of("monitoring_alert_policy"), *prod.of("monitoring_dashboard")]:
        assert used_metrics(each) <= own_metrics(prod), each.address


def test_every_own_metric_is_used(prod: State) -> None:
    users = [*prod.of("monitoring_alert_policy"), *prod.of("monitoring_dashboard")]
    assert own_metrics(prod) == set().union(*(used_metrics(each) for each in users))


def test_alerts_on_own_metrics_skip_the_validation(prod: State) -> None:
    for policy in prod.of("monitoring_alert_policy"):
        if used_metrics(policy):
            condition = policy.block("conditions", "condition_prometheus_query_language")
            # Otherwise the first release fails: a new metric is unknown for up to ten minutes.
            assert condition["disable_metric_validation"]


def with_logger(name: str) -> Iterator[ModuleType]:
    """Yield the modules with a logger: a module, or the modules of a package."""
    module = import_module(name)
    inner = (
        import_module(f"{name}.{each.name}")
        for each in iter_modules(vars(module).get("__path__", []))
    )
    yield from (each for each in (module, *inner) if "logger" in vars(each))


def test_loggers_in_filters_exist_in_the_code(prod: State) -> None:
    names = set(re.findall(r'jsonPayload\.logger=\\*"([\w.]+)\\*"', str(_filters(prod))))
    assert names
    for name in names:
        assert any(each.logger.name == name for each in with_logger(name)), name


def test_dead_letter_alert_watches_its_subscription(prod: State) -> None:
    [policy] = [
        each for each in prod.of("monitoring_alert_policy") if page(each) == "cleanup-dead-letters"
    ]
    filter_ = policy.block("conditions", "condition_threshold")["filter"]
    [cleanup] = prod.of("pubsub_subscription", name="cleanup")
    topic = cleanup.block("dead_letter_policy")["dead_letter_topic"]
    [keeper] = prod.of("pubsub_subscription", topic=topic)
    assert f'subscription_id="{keeper["name"]}"' in filter_


def test_uptime_checks_cover_public_services_and_domain(state: State) -> None:
    hosts = set()
    for check in state.of("monitoring_uptime_check_config"):
        http = check.block("http_check")
        assert (http["path"], http["port"], http["use_ssl"]) == ("/health/ready", 443, True)
        hosts.add(check.block("monitored_resource")["labels"]["host"])
    urls = [function(state, name).block("service_config")["uri"] for name in CALLED_BY_APPS]
    urls.append(chat(state)["uri"])
    [certificate] = state.of("compute_managed_ssl_certificate")
    domains = certificate.block("managed")["domains"]
    assert hosts == {url.removeprefix("https://") for url in urls} | set(domains)


def test_charts_have_unique_titles_and_queries(prod: State) -> None:
    [dashboard] = prod.of("monitoring_dashboard")
    widgets = json.loads(dashboard["dashboard_json"])["gridLayout"]["widgets"]
    assert len({widget["title"] for widget in widgets}) == len(widgets)
    for widget in widgets:
        queries = [each["timeSeriesQuery"] for each in widget["xyChart"]["dataSets"]]
        assert queries, widget["title"]
        assert all(each["prometheusQuery"] for each in queries), widget["title"]


def test_budget_warns_before_it_is_exceeded(prod: State) -> None:
    [budget] = prod.of("billing_budget")
    amount = budget.block("amount", "specified_amount")
    assert int(amount["units"]) > 0
    configured = parse(INFRA / "prod.tfvars")["budget"]
    assert amount["units"] == str(configured["units"])
    assert amount["currency_code"] == configured["currency"]
    # The billing account may pay for other projects too.
    assert budget.block("budget_filter")["projects"] == [f"projects/{PROJECT_NUMBER}"]
    thresholds = {
        (each["threshold_percent"], each["spend_basis"]) for each in budget["threshold_rules"]
    }
    spent = {share for share, basis in thresholds if basis != "FORECASTED_SPEND"}
    assert min(spent) < 1 == max(spent)
    assert (1, "FORECASTED_SPEND") in thresholds
    channels = budget.block("all_updates_rule")["monitoring_notification_channels"]
    assert channels == [each["id"] for each in prod.of("monitoring_notification_channel")]


def _filters(state: State) -> list[str]:
    of_alerts = [
        condition["filter"]
        for policy in state.of("monitoring_alert_policy")
        for condition in policy.block("conditions")["condition_matched_log"]
    ]
    return of_alerts + [each["filter"] for each in state.of("logging_metric")]
