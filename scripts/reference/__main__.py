"""`./scripts/docs`: write the generated reference pages."""

import argparse
from collections.abc import Mapping
from pathlib import Path

from scripts.reference.rendering import configuration_page, env_example, with_metrics
from scripts.reference.settings import Starting, sections
from scripts.reference.start import start
from scripts.root import ROOT
from shared.telemetry.metrics import ALL


def pages(starting: Starting) -> Mapping[str, str]:
    """Return the text of each generated file, by its path in the project."""
    found = sections(starting)
    observability = "docs/observability.md"
    return {
        "docs/configuration.md": configuration_page(found),
        observability: with_metrics((ROOT / observability).read_text(), ALL),
        ".env.example": env_example(found),
    }


def write(folder: Path, texts: Mapping[str, str]) -> None:
    """Write the files that have changed, and print the state of each."""
    for name, text in texts.items():
        path = folder / name
        is_current = path.exists() and path.read_text() == text
        if not is_current:
            path.write_text(text)
        print(f"{name}: {'unchanged' if is_current else 'written'}")


def main() -> None:
    """Write all pages."""
    argparse.ArgumentParser(
        prog="./scripts/docs",
        description="Writes the generated parts of the documentation: docs/configuration.md and "
        ".env.example from the settings classes, the table of metrics in docs/observability.md.",
    ).parse_args()
    write(ROOT, pages(start))


if __name__ == "__main__":
    main()
