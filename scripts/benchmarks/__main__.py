"""`./scripts/benchmark NAME`: runs one measurement, or all of them."""

import argparse
import importlib
import sys

NAMES = {
    "chat": "1,000 idle and 100 talking connections: memory, CPU, age of words",
    "cleanup": "50,000 documents of all kinds, half of them expired: rate, memory",
    "cold-start": "from the start of each function's process to its first answers",
    "crowd": "up to 80 readers at once, of one instance",
    "feed": "round trips, documents, CPU and time of feeds of up to 200 followed users",
    "memory": "what a function holds while it moves pictures: 200 in a row, 40 at once",
    "passwords": "puts per second with known and new users, and a reader meanwhile",
    "writers": "up to 64 puts of one author at once: rate, p99, failures",
}


def main() -> int:
    """Run the measurements named on the command line."""
    parser = argparse.ArgumentParser(
        prog="./scripts/benchmark",
        description="Each takes a minute or two and starts a stack of its own.",
        epilog="\n".join(f"{name:<12}{what}" for name, what in NAMES.items()),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("name", nargs="*", help="which (default: all)")
    names = parser.parse_args().name or NAMES
    if unknown := set(names) - NAMES.keys():
        parser.error(f"no such measurement: {', '.join(sorted(unknown))}")
    for name in names:
        importlib.import_module(f"scripts.benchmarks.{name.replace('-', '_')}").main()
    return 0


if __name__ == "__main__":
    sys.exit(main())
