"""`./scripts/costs`: print the costs of a month as a Markdown table."""

import argparse

from scripts.costing.activities import documents_per_person, requests_per_person
from scripts.costing.assumptions import SCALES, Scale
from scripts.costing.sheet import Line, lines, total


def table(sheets: dict[int, list[Line]]) -> str:
    """Return sheets side by side, by their number of people."""
    rows = [
        "| | " + " | ".join(f"{people:,} people | $ a month" for people in sheets) + " |",
        "|---|" + "---:|---:|" * len(sheets),
    ]
    for row in zip(*sheets.values(), strict=True):
        cells = " | ".join(f"{line.amount} | {line.dollars:,.2f}" for line in row)
        rows.append(f"| {row[0].item} | {cells} |")
    totals = [total(sheet) for sheet in sheets.values()]
    cells = " | ".join(f" | **{dollars:,.2f}**" for dollars in totals)
    rows.append(f"| **total** | {cells} |")
    per_person = " | ".join(
        f" | {100 * dollars / people:,.2f} ¢"
        for people, dollars in zip(sheets, totals, strict=True)
    )
    rows.append(f"| per person | {per_person} |")
    return "\n".join(rows)


def main() -> None:
    """Print the sheets."""
    parser = argparse.ArgumentParser(
        prog="./scripts/costs",
        description="Costs of a month, estimated from scripts/costing/assumptions.py.",
    )
    parser.add_argument(
        "people",
        nargs="*",
        type=int,
        help="number of people who use the app in a month (default: 1000 and 1000000)",
    )
    options = parser.parse_args()
    scales = {people: _scale(people) for people in options.people} or SCALES
    documents = documents_per_person()
    print(
        f"One person makes {requests_per_person():.0f} requests a month. They read "
        f"{documents.read:.0f} documents, write {documents.written:.0f} and delete "
        f"{documents.deleted:.0f}.\n"
    )
    print(table({people: lines(people, scale) for people, scale in scales.items()}))


def _scale(people: int) -> Scale:
    """Return the largest known scale that is not above `people`, or the smallest."""
    fitting = [each for each in SCALES if each <= people]
    return SCALES[max(fitting, default=min(SCALES))]


if __name__ == "__main__":
    main()
