"""Check of the server's clock."""

from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

from scripts.client.doctor.findings import Feature, Finding, Severity
from scripts.client.doctor.server import Server

_MAX_DIFFERENCE = timedelta(minutes=2)


async def check_clock(server: Server) -> list[Finding]:
    """Compare the date of a response with the clock of this machine."""
    answer = await server.ask("GET", "/health")
    try:
        server_time = parsedate_to_datetime(answer.headers.get("date", ""))
    except ValueError:
        return []
    ahead = server_time.astimezone(UTC) - datetime.now(UTC)
    if abs(ahead) <= _MAX_DIFFERENCE:
        return []
    days, minutes = abs(ahead).days, round(abs(ahead).total_seconds() / 60)
    difference = f"{days:,} days" if days > 1 else f"{minutes:,} minutes"
    direction = "ahead of" if ahead > timedelta() else "behind"
    return [
        Finding(
            f"the clock of the server is {difference} {direction} that of this machine",
            "Set the wrong one of the two clocks, for example with `timedatectl set-ntp true`. "
            "The server's clock decides when workouts expire.",
            frozenset({Feature.FEED}),
            Severity.WARNING,
        )
    ]
