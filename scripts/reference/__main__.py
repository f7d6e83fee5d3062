"""`./scripts/docs`: write the generated reference pages."""

import argparse

from scripts.reference.rendering import configuration_page, env_example
from scripts.reference.settings import sections
from scripts.reference.start import start
from scripts.root import ROOT


def main() -> None:
    """Write `docs/configuration.md` and `.env.example`."""
    argparse.ArgumentParser(
        prog="./scripts/docs",
        description="Writes docs/configuration.md and .env.example from the settings classes.",
    ).parse_args()
    found = sections(start)
    pages = {
        ROOT / "docs" / "configuration.md": configuration_page(found),
        ROOT / ".env.example": env_example(found),
    }
    for path, text in pages.items():
        is_current = path.exists() and path.read_text() == text
        path.write_text(text)
        print(f"{path.relative_to(ROOT)}: {'unchanged' if is_current else 'written'}")


if __name__ == "__main__":
    main()
