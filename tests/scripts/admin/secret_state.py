"""State of Secret Manager with secrets in several states, and the output of a command."""

import subprocess
from datetime import UTC, datetime, timedelta
from typing import Any

from tests.scripts.conftest import FakeCloud


def version(state: str = "ENABLED", data: str = "old", **age: float) -> dict[str, Any]:
    created = datetime.now(UTC) - timedelta(**(age or {"days": 3, "minutes": 1}))
    return {"created": created.isoformat().replace("+00:00", "Z"), "state": state, "data": data}


def add_secrets(cloud: FakeCloud) -> FakeCloud:
    """Add secrets to an environment."""
    cloud.update(
        secrets={
            "web-auth-key": [version("DISABLED"), version(), version(days=2, minutes=1)],
            "openai-api-key": [version(days=400)],
            "revenuecat-api-key": [version()],
            "of-another-product": [],
        }
    )
    return cloud


def output_of(done: subprocess.CompletedProcess[str]) -> str:
    assert "Traceback" not in done.stderr
    return done.stdout + done.stderr
