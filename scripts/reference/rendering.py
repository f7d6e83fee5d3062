"""The generated texts of the reference pages."""

import re
from collections.abc import Iterable, Iterator
from textwrap import wrap

from scripts.reference.declarations import Section, Setting
from shared.telemetry.metrics import Metric

_WIDTH = 100
_METRICS = re.compile(r"(<!-- ./scripts/docs: metrics -->\n).*?(<!-- end -->\n)", re.DOTALL)
_METRICS_HEAD = "| metric | kind | unit | attributes | meaning |\n|---|---|---|---|---|"

_PAGE = """\
<!-- ./scripts/docs writes this page. The tables come from the docstrings of the settings classes.
The text above them is in scripts/reference/rendering.py. -->

# Configuration

Settings are environment variables. A process reads them once at its start. An invalid value fails
the start, and the error names the variable, without its value. An empty variable counts as not set.

- **Development**: `./scripts/dev` also reads the file `.env`. Copy [.env.example](../.env.example),
  which lists every setting with its default.
- **Google Cloud**: [infra/settings.tf](../infra/settings.tf) sets the variables of each service. An
  environment's file overrides them: see [Settings](operations/releases.md#settings).
- **Code**: each setting is a field of a settings class, beside the code that uses it. The base
  class is in `shared/settings.py`. [Add a setting](contributing.md#add-a-setting) lists the files
  to change.

## Values of secrets

The value of a secret is one of these:

- The secret itself. The platform can provide secrets as environment variables.
- A reference to Secret Manager: `sm://name` or `sm://name/version`. The service fetches the secret
  on first use, and again every five minutes in the background. So a new version needs no
  deployment, and no request waits for it.

While Secret Manager is down, the service uses the last known value. If a secret is missing, the log
names it, and requests that need it get 503.
"""

_EXAMPLE = """\
# ./scripts/docs writes this file. Copy it: cp .env.example .env
#
# ./scripts/dev reads .env. On Google Cloud, these are the environment variables of the services.
# Each line shows the default. The value of a secret is the secret itself, or a reference to Secret
# Manager: sm://name or sm://name/version.
"""


def configuration_page(sections: Iterable[Section]) -> str:
    """Return the page of all settings, one table per class."""
    return "\n".join([_PAGE, *(_table(section) for section in sections)])


def env_example(sections: Iterable[Section]) -> str:
    """Return the example file, with every setting as a comment."""
    return "\n".join([_EXAMPLE, *(settings_block(section) for section in sections)])


def with_metrics(page: str, metrics: Iterable[Metric]) -> str:
    """Return `page` with the table of metrics between its two marks."""
    rows = "\n".join(_metric_row(metric) for metric in metrics)
    return _METRICS.sub(lambda found: f"{found[1]}{_METRICS_HEAD}\n{rows}\n{found[2]}", page)


def _metric_row(metric: Metric) -> str:
    attributes = ", ".join(f"`{name}`" for name in metric.attributes)
    cells = (f"`{metric.name}`", metric.kind, f"`{metric.unit}`", attributes, metric.description)
    return f"| {' | '.join(cells)} |"


def _table(section: Section) -> str:
    rows = "".join(f"{_row(setting)}\n" for setting in section.settings)
    return (
        f"## {section.title}\n\n{section.description}\n\n"
        "| variable | default | values | read by | description |\n|---|---|---|---|---|\n"
        f"{rows}"
    )


def _row(setting: Setting) -> str:
    default = f"`{setting.default}`" if setting.default else ""
    cells = (f"`{setting.variable}`", default, setting.values, setting.read_by, setting.description)
    return f"| {' | '.join(cells)} |"


def settings_block(section: Section) -> str:
    """Return the settings of a class as the comments of an environment file."""
    lines = "".join(f"{line}\n" for setting in section.settings for line in _lines(setting))
    return f"# --- {section.title} ---\n{lines}"


def _lines(setting: Setting) -> Iterator[str]:
    values = setting.values.replace("`", "")
    words = f"{setting.description} Values: {values}."
    if setting.read_by:
        words += f" Read by: {setting.read_by}."
    yield from wrap(
        words, _WIDTH, initial_indent="# ", subsequent_indent="# ", break_on_hyphens=False
    )
    yield f"#{setting.variable}={setting.default}"
