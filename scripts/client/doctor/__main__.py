"""The command line of the doctor."""

import argparse
import asyncio
import sys

from rich.console import Console

from scripts.client.backend import Backend, add_header_options, base_address, headers_of
from scripts.client.doctor.diagnosis import examine
from scripts.client.doctor.findings import Severity
from scripts.client.doctor.report import show

console = Console(highlight=False, soft_wrap=True)


def main() -> int:
    """Check the server of the command line. Return 1 if there is a problem."""
    parser = argparse.ArgumentParser(
        prog="./scripts/doctor",
        description="Check which features of today's app work at an address, and why others do "
        "not. The checks change nothing on the server.",
    )
    parser.add_argument("address", metavar="URL", help="the base address, as in the app")
    add_header_options(parser)
    options = parser.parse_args()
    try:
        backend = Backend(base_address(options.address), headers_of(options))
    except ValueError as error:
        parser.error(str(error))
    findings = asyncio.run(examine(backend))
    show(console, backend.base, findings)
    return int(any(finding.severity is Severity.PROBLEM for finding in findings))


if __name__ == "__main__":
    sys.exit(main())
