"""Uptime checks of the services and the domain."""

from tests.infra.state import State, parse_seconds
from tests.infra.test_alerts import thresholds

_MAX_DELAY_S = 15 * 60
_COLD_START_S = 5
_MAX_FAILED_REGIONS = 2


def test_check_validates_tls_and_allows_a_cold_start(state: State) -> None:
    for check in state.of("monitoring_uptime_check_config"):
        assert check.block("http_check")["validate_ssl"], check.address
        assert check.block("http_check")["path"] == "/health/ready"
        assert _COLD_START_S < parse_seconds(check["timeout"]) < parse_seconds(check["period"])


def test_not_ready_alert_opens_within_15_minutes(state: State) -> None:
    condition = thresholds(state)["not-ready"]
    assert (
        'metric.type="monitoring.googleapis.com/uptime_check/check_passed"' in condition["filter"]
    )
    # The condition counts regions whose check fails. One region alone may have a network problem.
    assert condition["comparison"] == "COMPARISON_GT"
    assert 1 <= condition["threshold_value"] <= _MAX_FAILED_REGIONS
    [aggregation] = condition["aggregations"]
    assert aggregation["cross_series_reducer"] == "REDUCE_COUNT_FALSE"
    assert aggregation["per_series_aligner"] == "ALIGN_NEXT_OLDER"
    assert aggregation["group_by_fields"] == ["resource.label.host"]
    window_s = parse_seconds(aggregation["alignment_period"])
    # Each region checks at least once within the window.
    periods = {parse_seconds(each["period"]) for each in state.of("monitoring_uptime_check_config")}
    assert max(periods) <= window_s
    assert window_s + parse_seconds(condition["duration"]) <= _MAX_DELAY_S
