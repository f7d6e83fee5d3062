"""When an alert comes: what it asks for, how much is too much, and how long that has to last."""

import re
from collections.abc import Iterator
from typing import Any

import pytest

from scripts.local.ports import CALLED_BY_APPS
from shared.planner.settings import ModelSettings
from tests.infra.configuration import parsed
from tests.infra.environments import INFRA, Environment
from tests.infra.log_filter import SEVERITIES
from tests.infra.made import Made, Resource, seconds
from tests.infra.services import function

# What Google counts, of which resource, and whether it is a count that grows or how much there is.
# https://cloud.google.com/monitoring/api/metrics_gcp
OF_GOOGLE = {
    "firestore.googleapis.com/document/delete_ops_count": (
        "firestore.googleapis.com/Database",
        "DELTA",
    ),
    "firestore.googleapis.com/document/read_ops_count": (
        "firestore.googleapis.com/Database",
        "DELTA",
    ),
    "firestore.googleapis.com/document/write_ops_count": (
        "firestore.googleapis.com/Database",
        "DELTA",
    ),
    "loadbalancing.googleapis.com/https/request_count": ("https_lb_rule", "DELTA"),
    "logging.googleapis.com/log_entry_count": ("cloud_run_revision", "DELTA"),
    "monitoring.googleapis.com/uptime_check/check_passed": ("uptime_url", "GAUGE"),
    "pubsub.googleapis.com/subscription/num_undelivered_messages": (
        "pubsub_subscription",
        "GAUGE",
    ),
    "run.googleapis.com/container/instance_count": ("cloud_run_revision", "GAUGE"),
    "run.googleapis.com/request_count": ("cloud_run_revision", "DELTA"),
    "run.googleapis.com/request_latencies": ("cloud_run_revision", "DELTA"),
}
ALIGNERS = {"DELTA": {"ALIGN_DELTA", "ALIGN_RATE"}, "GAUGE": {"ALIGN_MAX", "ALIGN_NEXT_OLDER"}}
_MINUTE_S = 60
_HOUR_S = 60 * _MINUTE_S
_WINDOW_S = {"10m": 10 * _MINUTE_S, "15m": 15 * _MINUTE_S, "1h": _HOUR_S}


def in_promql(metric: str) -> str:
    """Return how PromQL calls a metric of Google's."""
    return re.sub(r"[^\w:]", "_", metric.replace("/", ":", 1))


def alert(made: Made, name: str) -> Resource:
    """Return the alert of a name."""
    [found] = [e for e in made.of("monitoring_alert_policy") if e["user_labels"]["slug"] == name]
    return found


def question(policy: Resource) -> dict[str, Any]:
    """Return what an alert asks in PromQL, on one line, and how."""
    found = policy.block("conditions", "condition_prometheus_query_language")
    return {**found, "query": " ".join(found["query"].split())}


def asked_in_promql(made: Made) -> Iterator[tuple[str, str]]:
    """Yield every metric that is asked for in PromQL, with the resource that it is asked of."""
    for each in [*made.of("monitoring_alert_policy"), *made.of("monitoring_dashboard")]:
        text = str(each.values).replace("\\", "")
        yield from re.findall(r'(\w+_googleapis_com:\w+)(?:\{monitored_resource="([^"]+)")?', text)


def thresholds(made: Made) -> dict[str, dict[str, Any]]:
    """Return the conditions that compare one of Google's metrics, by their alerts' names."""
    return {
        policy["user_labels"]["slug"]: condition
        for policy in made.of("monitoring_alert_policy")
        for condition in policy.block("conditions")["condition_threshold"]
    }


def test_what_is_asked_for_in_promql_is_counted_of_that_resource(prod: Made) -> None:
    there = {(in_promql(name), resource) for name, (resource, _) in OF_GOOGLE.items()}
    there |= {(f"{name}_bucket", resource) for name, resource in there if "latencies" in name}
    for name, resource in asked_in_promql(prod):
        if ":user_" in name:  # of lines that services write
            assert resource == "cloud_run_revision", name
        else:
            assert (name, resource) in there


def test_every_metric_is_summed_up_as_suits_its_kind(prod: Made) -> None:
    for name, condition in thresholds(prod).items():
        found = re.match(
            r'metric\.type="([^"]+)" AND resource\.type="([^"]+)"', condition["filter"]
        )
        assert found, name
        resource, kind = OF_GOOGLE[found[1]]
        assert found[2] == resource
        assert condition.keys() >= {"aggregations"}
        [summed] = condition["aggregations"]
        assert summed["per_series_aligner"] in ALIGNERS[kind], name


def test_what_lasts_as_long_as_it_is_seen_is_told_of(prod: Made) -> None:
    for policy in prod.of("monitoring_alert_policy"):
        for each in policy.block("conditions")["condition_prometheus_query_language"]:
            [window] = set(re.findall(r"\[(\w+)\]", each["query"]))
            assert seconds(each["evaluation_interval"]) <= _MINUTE_S
            if policy["user_labels"]["slug"] != "cleanup-not-run":
                assert seconds(each["duration"]) <= _WINDOW_S[window], policy.address


def test_a_small_share_of_5xx_is_too_many_if_they_are_more_than_a_few(prod: Made) -> None:
    found = re.fullmatch(
        r"sum by \(service_name\) \(rate\((?P<failures>.+)\[10m\]\)\)"
        r" / sum by \(service_name\) \(rate\((?P<all>.+)\[10m\]\)\) > (?P<share>\S+)"
        r" and sum by \(service_name\) \(increase\((?P=failures)\[10m\]\)\) >= (?P<least>\d+)",
        question(alert(prod, "error-rate"))["query"],
    )
    assert found
    assert found["failures"] == found["all"].replace("}", ',response_code_class="5xx"}')
    assert 0 < float(found["share"]) <= 0.1
    assert 1 < int(found["least"]) <= 10


@pytest.mark.parametrize("service", [*CALLED_BY_APPS, "cleanup", "chat"])
def test_a_service_is_slow_before_its_requests_are_given_up(prod: Made, service: str) -> None:
    query = question(alert(prod, "latency"))["query"]
    latencies = r'\w+:request_latencies_bucket\{monitored_resource="cloud_run_revision",'
    alternatives = re.findall(
        r"histogram_quantile\((\S+), sum by \(service_name, le\) "
        rf'\(rate\({latencies}service_name(!~|=)"([^"]+)"\}}\[10m\]\)\)\) > (\d+)',
        query,
    )
    bounds_ms = [
        int(bound)
        for quantile, operator, names, bound in alternatives
        if 0.9 <= float(quantile) < 1
        and (re.fullmatch(names, service) is None) == (operator == "!~")
    ]
    if service in ("cleanup", "chat"):  # for the one nobody waits, and talks are long
        assert bounds_ms == []
        return
    [bound_ms] = bounds_ms
    given_up_s = function(prod, service).block("service_config")["timeout_seconds"]
    if service == "ai":
        given_up_s = ModelSettings.model_fields["deadline_s"].default
    assert 1000 <= bound_ms < given_up_s * 1000
    [least] = re.findall(r"\(increase\(\S+\[10m\]\)\) >= (\d+)$", query)
    assert 1 < int(least) <= 10 * _MINUTE_S / 10  # one every ten seconds


def test_two_runs_of_the_cleanup_have_to_be_missed_in_a_row(prod: Made) -> None:
    asks = question(alert(prod, "cleanup-not-run"))
    # Without the vector there would be nothing to compare where no run has ended yet.
    runs = (
        r"\(sum\(sum_over_time\(\w+:user_liftlog_cleanup_runs\{[^}]+\}\[1h\]\)\) or vector\(0\)\)"
    )
    assert re.fullmatch(rf"{runs} == 0", asks["query"])
    assert 2 * _HOUR_S <= _HOUR_S + seconds(asks["duration"]) < 3 * _HOUR_S


def test_the_model_fails_too_often_by_a_share_of_all_its_replies(prod: Made) -> None:
    lines = r"\(sum\(sum_over_time\(\w+:user_liftlog_{}\{{[^}}]+\}}\[15m\]\)\) or vector\(0\)\)"
    failures, replies = lines.format("model_failures"), lines.format("model_replies")
    found = re.fullmatch(
        rf"{failures} / \({failures} \+ {replies}\) > (\S+) and {failures} >= (\d+)",
        question(alert(prod, "model-failures"))["query"],
    )
    assert found
    assert 0 < float(found[1]) <= 0.5
    assert 1 < int(found[2]) <= 10


@pytest.mark.parametrize("name", ["cleanup-dead-letters", "code-errors"])
def test_what_should_not_be_there_is_told_of_when_there_is_one(prod: Made, name: str) -> None:
    condition = thresholds(prod)[name]
    assert (condition["comparison"], condition["threshold_value"]) == ("COMPARISON_GT", 0)
    assert seconds(condition["duration"]) == 0
    [summed] = condition["aggregations"]
    assert summed["cross_series_reducer"] == "REDUCE_SUM"


def test_every_line_that_is_an_error_or_worse_counts_as_one(prod: Made) -> None:
    filter_ = thresholds(prod)["code-errors"]["filter"]
    [severity] = re.findall(
        r'metric\.labels\.severity=monitoring\.regex\.full_match\("(.+)"\)', filter_
    )
    counted = [each for each in SEVERITIES if re.fullmatch(severity, each)]
    assert counted == list(SEVERITIES[SEVERITIES.index("ERROR") :])


def test_alerts_go_to_whom_the_environments_file_names(environment: Environment) -> None:
    [channel] = environment.made.of("monitoring_notification_channel")
    file = INFRA / f"{environment.name.split()[0]}.tfvars"
    assert channel["labels"]["email_address"] == parsed(file)["alert_email"]
