"""How it is noticed that a service, or the domain, is not there."""

from tests.infra.made import Made, seconds
from tests.infra.test_alerts import thresholds

_SOON_S = 15 * 60
_COLD_START_S = 5
_SEVERAL = 2


def test_an_answer_counts_if_it_comes_in_time_from_whom_it_should(made: Made) -> None:
    for check in made.of("monitoring_uptime_check_config"):
        assert check.block("http_check")["validate_ssl"], check.address
        assert check.block("http_check")["path"] == "/health/ready"
        assert _COLD_START_S < seconds(check["timeout"]) < seconds(check["period"])


def test_a_host_that_does_not_answer_several_regions_is_told_of_soon(made: Made) -> None:
    condition = thresholds(made)["not-ready"]
    assert (
        'metric.type="monitoring.googleapis.com/uptime_check/check_passed"' in condition["filter"]
    )
    # Regions that are told no, or nothing; one alone may be cut off itself.
    assert condition["comparison"] == "COMPARISON_GT"
    assert 1 <= condition["threshold_value"] <= _SEVERAL
    [counted] = condition["aggregations"]
    assert counted["cross_series_reducer"] == "REDUCE_COUNT_FALSE"
    assert counted["per_series_aligner"] == "ALIGN_NEXT_OLDER"
    assert counted["group_by_fields"] == ["resource.label.host"]
    window_s = seconds(counted["alignment_period"])
    # Every region asks once within it.
    periods = {seconds(each["period"]) for each in made.of("monitoring_uptime_check_config")}
    assert max(periods) <= window_s
    assert window_s + seconds(condition["duration"]) <= _SOON_S
