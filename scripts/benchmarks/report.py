"""The output of measurements: tables and durations."""

from collections.abc import Sequence
from statistics import median, quantiles

from rich.console import Console
from rich.table import Table

console = Console(highlight=False)


def show(title: str, columns: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Print a table."""
    table = Table(*columns, title=title, title_justify="left", title_style="bold")
    for row in rows:
        table.add_row(*row)
    console.print(table)


def milliseconds(seconds: float) -> str:
    """Return a duration as text."""
    return f"{seconds * 1000:.1f} ms"


def percentiles(seconds: Sequence[float]) -> tuple[str, str]:
    """Return p50 and p95 as text."""
    # The last of the 19 values that divide the data into 20 parts is p95.
    return milliseconds(median(seconds)), milliseconds(quantiles(seconds, n=20)[-1])
