"""Secrets in various states, and what a command said of them."""

import subprocess
from datetime import UTC, datetime, timedelta
from typing import Any

from tests.scripts.conftest import Cloud


def version(state: str = "ENABLED", data: str = "old", **age: float) -> dict[str, Any]:
    created = datetime.now(UTC) - timedelta(**(age or {"days": 3, "minutes": 1}))
    return {"created": created.isoformat().replace("+00:00", "Z"), "state": state, "data": data}


def fill(cloud: Cloud) -> Cloud:
    """Let an environment have secrets."""
    cloud.has(
        secrets={
            "web-auth-key": [version("DISABLED"), version(), version(days=2, minutes=1)],
            "openai-api-key": [version(days=400)],
            "revenuecat-api-key": [version()],
            "of-somebody-else": [],
        }
    )
    return cloud


def shown(done: subprocess.CompletedProcess[str]) -> str:
    assert "Traceback" not in done.stderr
    return done.stdout + done.stderr
