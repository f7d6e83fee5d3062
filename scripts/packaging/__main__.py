"""`./scripts/package`: builds the package of each service."""

import argparse

from scripts.local.ports import SERVICES
from scripts.packaging.packages import build_package, build_root, write_packages


def main() -> None:
    """Package the services of the command line, by default all."""
    # All in memory first: an error in one service leaves `build/` unchanged.
    packages = [build_package(service) for service in _services()]
    write_packages(packages, build_root())
    for each in packages:
        size = f"{each.file_count} files  {len(each.archive):,} bytes"
        print(f"{each.service:<8} {size}  sha256 {each.sha256}  {each.path}")


def _services() -> list[str]:
    parser = argparse.ArgumentParser(
        prog="./scripts/package",
        description="Build packages in build/packages/: for a function the archive of its source, "
        "for the chat the context of its container build. The same source gives the same bytes. "
        "build/packages.json lists the packages for Terraform.",
    )
    parser.add_argument(
        "services",
        metavar="SERVICE",
        nargs="*",
        type=_service,
        help=f"{', '.join(SERVICES)} (default: all)",
    )
    return parser.parse_args().services or list(SERVICES)


def _service(name: str) -> str:
    if name not in SERVICES:
        raise argparse.ArgumentTypeError(f"{name!r} is not one of {', '.join(SERVICES)}")
    return name


if __name__ == "__main__":
    main()
