"""`python -m tests.prose`: show the prose that the rules reject, in all files or in some."""

import argparse
import sys
from collections import Counter
from collections.abc import Sequence

from scripts.root import ROOT
from tests.prose.rules import Finding, findings, load


def summary(found: Sequence[Finding]) -> str:
    """Return the number of findings by rule, most frequent first."""
    counts = Counter(each.rule for each in found)
    lines = [f"{count:5} {rule}" for rule, count in counts.most_common()]
    return "\n".join([*lines, f"{len(found):5} in total"])


def main() -> int:
    """Print findings and counts; return 1 if there are any."""
    parser = argparse.ArgumentParser(prog="python -m tests.prose", description=__doc__)
    parser.add_argument("--summary", action="store_true", help="print the counts alone")
    parser.add_argument("--rule", help="print the findings of this rule alone")
    parser.add_argument("paths", nargs="*", metavar="PATH", help="relative to the project's root")
    options = parser.parse_args()
    missing = [path for path in options.paths if not (ROOT / path).exists()]
    if missing:
        parser.error(f"not in the project: {', '.join(missing)}")
    found = findings(load(), options.paths)
    if options.rule:
        found = [each for each in found if each.rule == options.rule]
    print(*(() if options.summary else found), summary(found), sep="\n")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
