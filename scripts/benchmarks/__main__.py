"""`./scripts/benchmark NAME`: run one measurement, or all of them."""

import argparse
import importlib
import sys

_OPTIONS = {
    "engines": "--rounds N --seconds S --largest",
    "growth": "--events N --rounds N --seconds S --folder DIR",
}
NAMES = {
    "backups": "memory and time of eight uploads and downloads of the largest backup at once",
    "chat": "memory, CPU and delay of 1,000 idle and 100 active connections",
    "cleanup": "rate and memory of a run over 50,000 documents, half of them expired",
    "cold-start": "time from the start of each function's process to its first responses",
    "engines": "rate, p50 and p99 of each request on SQLite and on the emulator of Firestore",
    "feed": "round trips, documents, CPU and time of feeds of up to 200 followed users",
    "growth": "time of requests with 1,000 and 100,000 events in the file, its size, and memory",
    "memory": "memory of a function with pictures: 200 in a row, 40 concurrently",
    "passwords": "puts per second of known and new users, and the delay of a concurrent reader",
    "payloads": "memory of functions with plans, events and shared items of the largest size",
    "readers": "up to 80 concurrent readers of one instance",
    "start": "time from the start of ./scripts/dev and ./scripts/serve to ready, memory, idle CPU",
    "writers": "rate, p99 and failures of up to 64 concurrent puts of one author",
}


def main() -> int:
    """Run the measurements named on the command line."""
    parser = argparse.ArgumentParser(
        prog="./scripts/benchmark",
        description="Each measurement takes a minute or two and starts its own stack.",
        epilog="\n".join(
            [
                *(f"{name:<12}{subject}" for name, subject in NAMES.items()),
                "\noptions after a name:",
                *(f"{name:<12}{options}" for name, options in _OPTIONS.items()),
            ]
        ),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("name", nargs="*", help="name of a measurement (default: all)")
    chosen, options = parser.parse_known_args()
    names = chosen.name or NAMES
    if unknown := set(names) - NAMES.keys():
        parser.error(f"unknown measurement: {', '.join(sorted(unknown))}")
    if options and not set(names) <= _OPTIONS.keys():
        parser.error(f"unknown option: {options[0]}")
    for name in names:
        # Imported one by one: some measurements import a function, with all of its libraries.
        module = importlib.import_module(f"scripts.benchmarks.{name.replace('-', '_')}")
        module.main(*([options] if name in _OPTIONS else []))
    return 0


if __name__ == "__main__":
    sys.exit(main())
