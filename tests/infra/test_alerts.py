"""The conditions of alerts: metric, threshold and duration."""

import re
from collections.abc import Iterator

import pytest

from scripts.local.ports import CALLED_BY_APPS
from shared.planner.settings import ModelSettings
from tests.infra.environments import Environment
from tests.infra.log_filter import SEVERITIES
from tests.infra.services import function
from tests.infra.state import Resource, State, Values, parse_seconds

# Google's metrics with the resource and the kind of each.
# https://cloud.google.com/monitoring/api/metrics_gcp
GOOGLE_METRICS = {
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


def promql_name(metric: str) -> str:
    """Return the name of one of Google's metrics in PromQL."""
    return re.sub(r"[^\w:]", "_", metric.replace("/", ":", 1))


def alert(state: State, name: str) -> Resource:
    """Return an alert by its slug."""
    [found] = [e for e in state.of("monitoring_alert_policy") if e["user_labels"]["slug"] == name]
    return found


def prometheus_condition(policy: Resource) -> Values:
    """Return the PromQL condition of an alert, with the query on one line."""
    found = policy.block("conditions", "condition_prometheus_query_language")
    return {**found, "query": " ".join(found["query"].split())}


def queried_metrics(state: State) -> Iterator[tuple[str, str]]:
    """Yield each metric in a PromQL query, with its resource type."""
    for each in [*state.of("monitoring_alert_policy"), *state.of("monitoring_dashboard")]:
        text = str(each.values).replace("\\", "")
        yield from re.findall(r'(\w+_googleapis_com:\w+)(?:\{monitored_resource="([^"]+)")?', text)


def thresholds(state: State) -> dict[str, Values]:
    """Return the threshold conditions by the slugs of their alerts."""
    return {
        policy["user_labels"]["slug"]: condition
        for policy in state.of("monitoring_alert_policy")
        for condition in policy.block("conditions")["condition_threshold"]
    }


def test_promql_metrics_exist_for_their_resource(prod: State) -> None:
    known = {(promql_name(name), resource) for name, (resource, _) in GOOGLE_METRICS.items()}
    known |= {(f"{name}_bucket", resource) for name, resource in known if "latencies" in name}
    for name, resource in queried_metrics(prod):
        if ":user_" in name:  # a metric of our own log lines
            assert resource == "cloud_run_revision", name
        else:
            assert (name, resource) in known


def test_threshold_aligner_fits_metric_kind(prod: State) -> None:
    for name, condition in thresholds(prod).items():
        found = re.match(
            r'metric\.type="([^"]+)" AND resource\.type="([^"]+)"', condition["filter"]
        )
        assert found, name
        resource, kind = GOOGLE_METRICS[found[1]]
        assert found[2] == resource
        assert condition.keys() >= {"aggregations"}
        [aggregation] = condition["aggregations"]
        assert aggregation["per_series_aligner"] in ALIGNERS[kind], name


def test_query_duration_is_at_most_its_window(prod: State) -> None:
    for policy in prod.of("monitoring_alert_policy"):
        for each in policy.block("conditions")["condition_prometheus_query_language"]:
            [window] = set(re.findall(r"\[(\w+)\]", each["query"]))
            assert parse_seconds(each["evaluation_interval"]) <= _MINUTE_S
            if policy["user_labels"]["slug"] != "cleanup-not-run":
                assert parse_seconds(each["duration"]) <= _WINDOW_S[window], policy.address


def test_error_rate_alert_needs_share_and_minimum(prod: State) -> None:
    found = re.fullmatch(
        r"sum by \(service_name\) \(rate\((?P<failures>.+)\[10m\]\)\)"
        r" / sum by \(service_name\) \(rate\((?P<all>.+)\[10m\]\)\) > (?P<share>\S+)"
        r" and sum by \(service_name\) \(increase\((?P=failures)\[10m\]\)\) >= (?P<minimum>\d+)",
        prometheus_condition(alert(prod, "error-rate"))["query"],
    )
    assert found
    assert found["failures"] == found["all"].replace("}", ',response_code_class="5xx"}')
    assert 0 < float(found["share"]) <= 0.1
    assert 1 < int(found["minimum"]) <= 10


@pytest.mark.parametrize("service", [*CALLED_BY_APPS, "cleanup", "chat"])
def test_latency_alert_opens_before_the_timeout(prod: State, service: str) -> None:
    query = prometheus_condition(alert(prod, "latency"))["query"]
    latencies = r'\w+:request_latencies_bucket\{monitored_resource="cloud_run_revision",'
    alternatives = re.findall(
        r"histogram_quantile\((\S+), sum by \(service_name, le\) "
        rf'\(rate\({latencies}service_name(!~|=)"([^"]+)"\}}\[10m\]\)\)\) > (\d+)',
        query,
    )
    thresholds_ms = [
        int(threshold)
        for quantile, operator, names, threshold in alternatives
        if 0.9 <= float(quantile) < 1
        and (re.fullmatch(names, service) is None) == (operator == "!~")
    ]
    # No user waits for the cleanup, and the requests of the chat are whole conversations. The time
    # of an upload to `backup` depends on the phone's connection.
    if service in ("cleanup", "chat", "backup"):
        assert thresholds_ms == []
        return
    [threshold_ms] = thresholds_ms
    timeout_s = function(prod, service).block("service_config")["timeout_seconds"]
    if service == "ai":
        timeout_s = ModelSettings.model_fields["deadline_s"].default
    assert 1000 <= threshold_ms < timeout_s * 1000
    [minimum] = re.findall(r"\(increase\(\S+\[10m\]\)\) >= (\d+)$", query)
    assert 1 < int(minimum) <= 10 * _MINUTE_S / 10  # one request per ten seconds


def test_cleanup_alert_opens_after_two_missed_runs(prod: State) -> None:
    condition = prometheus_condition(alert(prod, "cleanup-not-run"))
    # Without the vector the query has no value before the first run, and no alert would open.
    runs = (
        r"\(sum\(sum_over_time\(\w+:user_liftlog_cleanup_runs\{[^}]+\}\[1h\]\)\) or vector\(0\)\)"
    )
    assert re.fullmatch(rf"{runs} == 0", condition["query"])
    assert 2 * _HOUR_S <= _HOUR_S + parse_seconds(condition["duration"]) < 3 * _HOUR_S


def test_model_alert_compares_failures_with_replies(prod: State) -> None:
    lines = r"\(sum\(sum_over_time\(\w+:user_liftlog_{}\{{[^}}]+\}}\[15m\]\)\) or vector\(0\)\)"
    failures, replies = lines.format("model_failures"), lines.format("model_replies")
    found = re.fullmatch(
        rf"{failures} / \({failures} \+ {replies}\) > (\S+) and {failures} >= (\d+)",
        prometheus_condition(alert(prod, "model-failures"))["query"],
    )
    assert found
    assert 0 < float(found[1]) <= 0.5
    assert 1 < int(found[2]) <= 10


def test_backup_alert_opens_after_a_few_failures(prod: State) -> None:
    condition = prometheus_condition(alert(prod, "backup-failures"))
    failures = r"sum_over_time\(\w+:user_liftlog_backup_failures\{[^}]+\}\[1h\]\)"
    found = re.fullmatch(rf"\(sum\({failures}\) or vector\(0\)\) >= (\d+)", condition["query"])
    assert found
    # The app repeats an upload, so one failure loses nothing.
    assert 1 < int(found[1]) <= 5
    assert parse_seconds(condition["duration"]) == 0


@pytest.mark.parametrize("name", ["cleanup-dead-letters", "code-errors"])
def test_threshold_alert_opens_at_the_first_occurrence(prod: State, name: str) -> None:
    condition = thresholds(prod)[name]
    assert (condition["comparison"], condition["threshold_value"]) == ("COMPARISON_GT", 0)
    assert parse_seconds(condition["duration"]) == 0
    [aggregation] = condition["aggregations"]
    assert aggregation["cross_series_reducer"] == "REDUCE_SUM"


def test_code_error_alert_counts_error_and_above(prod: State) -> None:
    filter_ = thresholds(prod)["code-errors"]["filter"]
    [severity] = re.findall(
        r'metric\.labels\.severity=monitoring\.regex\.full_match\("(.+)"\)', filter_
    )
    counted = [each for each in SEVERITIES if re.fullmatch(severity, each)]
    assert counted == list(SEVERITIES[SEVERITIES.index("ERROR") :])


def test_alerts_go_to_the_configured_address(environment: Environment) -> None:
    [channel] = environment.state.of("monitoring_notification_channel")
    assert channel["labels"]["email_address"] == environment.variables["alert_email"]
