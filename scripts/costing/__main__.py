"""`./scripts/costs`: what a month costs, as a table in Markdown."""

import argparse

from scripts.costing.assumptions import SCALES, Work
from scripts.costing.sheet import Line, documents_per_person, requests_per_person, sheet, total


def table(sheets: dict[int, list[Line]]) -> str:
    """Return sheets side by side, by their number of people."""
    rows = [
        "| | " + " | ".join(f"{people:,} people | $ a month" for people in sheets) + " |",
        "|---|" + "---:|---:|" * len(sheets),
    ]
    for lines in zip(*sheets.values(), strict=True):
        cells = " | ".join(f"{line.amount} | {line.dollars:,.2f}" for line in lines)
        rows.append(f"| {lines[0].what} | {cells} |")
    totals = [total(lines) for lines in sheets.values()]
    cells = " | ".join(f" | **{dollars:,.2f}**" for dollars in totals)
    rows.append(f"| **together** | {cells} |")
    per_person = " | ".join(
        f" | {100 * dollars / people:,.2f} ¢"
        for people, dollars in zip(sheets, totals, strict=True)
    )
    rows.append(f"| for one person | {per_person} |")
    return "\n".join(rows)


def main() -> None:
    """Print the sheets."""
    parser = argparse.ArgumentParser(
        prog="./scripts/costs",
        description="What a month costs, by what scripts/costing/assumptions.py assumes.",
    )
    parser.add_argument(
        "people",
        nargs="*",
        type=int,
        help="how many people use the app in a month (default: 1000 and 1000000)",
    )
    options = parser.parse_args()
    scales = {people: _work(people) for people in options.people} or SCALES
    documents, (requests, _) = documents_per_person(), requests_per_person()
    print(
        f"One person makes {requests:.0f} requests a month, in which {documents.read:.0f} "
        f"documents are read, {documents.written:.0f} written and {documents.deleted:.0f} "
        "deleted.\n"
    )
    print(table({people: sheet(people, work) for people, work in scales.items()}))


def _work(people: int) -> Work:
    """Return how the work goes for the nearest scale that is not larger."""
    fitting = [scale for scale in SCALES if scale <= people]
    return SCALES[max(fitting, default=min(SCALES))]


if __name__ == "__main__":
    main()
