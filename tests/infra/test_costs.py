"""Assumptions of the cost sheet, compared with `infra/`."""

from scripts.costing.assumptions import (
    ARMOR_RULES,
    INSTANCE_GIB,
    KEPT_BACKUPS,
    SCALES,
    SOFT_DELETE_DAYS,
)
from scripts.local.ports import FUNCTIONS
from tests.infra.services import chat, function
from tests.infra.state import State, parse_seconds

_DAY_S = 24 * 60 * 60


def test_warm_instances_match_the_cost_sheet(prod: State) -> None:
    warm = sum(
        function(prod, name).block("service_config")["min_instance_count"] for name in FUNCTIONS
    )
    warm += chat(prod).block("template", "scaling")["min_instance_count"]
    assert SCALES[1_000_000].warm_instances == warm


def test_memory_and_cpu_match_the_cost_sheet(prod: State) -> None:
    for name in FUNCTIONS:
        config = function(prod, name).block("service_config")
        assert config["available_memory"] == f"{INSTANCE_GIB * 1024:.0f}Mi"
        assert config["available_cpu"] == "1"
    limits = chat(prod).block("template", "containers", "resources")["limits"]
    assert limits == {"cpu": "1", "memory": f"{INSTANCE_GIB * 1024:.0f}Mi"}


def test_cloud_armor_rules_match_the_cost_sheet(prod: State) -> None:
    [policy] = prod.of("compute_security_policy")
    assert len(policy["rule"]) == ARMOR_RULES
    assert len(prod.of("compute_global_forwarding_rule")) <= 5  # up to five cost the same as one


def test_kept_backups_match_the_cost_sheet(prod: State) -> None:
    kept = 0.0
    for schedule in prod.of("firestore_backup_schedule"):
        interval_s = _DAY_S if schedule["daily_recurrence"] else 7 * _DAY_S
        kept += parse_seconds(schedule["retention"]) / interval_s
    assert kept == KEPT_BACKUPS


def test_soft_delete_matches_the_cost_sheet(prod: State) -> None:
    bucket = prod.one("storage_bucket", name=prod.outputs["backups_bucket"])
    kept_s = bucket.block("soft_delete_policy")["retention_duration_seconds"]
    assert kept_s == SOFT_DELETE_DAYS * _DAY_S
