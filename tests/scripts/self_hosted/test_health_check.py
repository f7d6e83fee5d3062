"""The health check of the container."""

import pytest
from starlette.responses import Response

from scripts.local.stack import free_ports
from scripts.self_hosted.health_check import is_ready
from tests.loopback import served


@pytest.mark.parametrize(("status", "expected"), [(200, True), (503, False), (404, False)])
def test_health_follows_the_status_of_readiness(status: int, *, expected: bool) -> None:
    with served(Response("200", status)) as url:
        assert is_ready(int(url.rpartition(":")[2])) == expected


def test_server_that_does_not_run_is_unhealthy() -> None:
    assert not is_ready(free_ports().base)
