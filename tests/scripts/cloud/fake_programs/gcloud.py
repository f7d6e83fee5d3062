"""A fake of gcloud with the commands that the scripts use.

Source: https://cloud.google.com/sdk/gcloud/reference
"""

from tests.scripts.cloud.fake_programs import (
    cloud_run,
    identity,
    images,
    secrets,
    storage,
    url_maps,
)
from tests.scripts.cloud.fake_programs.program_run import (
    Program,
    ProgramFailedError,
    ProgramRun,
    State,
)

COMMANDS: dict[str, Program] = {
    **cloud_run.COMMANDS,
    **identity.COMMANDS,
    **images.COMMANDS,
    **secrets.COMMANDS,
    **storage.COMMANDS,
    **url_maps.COMMANDS,
}


def main(state: State, run: ProgramRun) -> str:
    """Handle one run."""
    line = " ".join(run.words)
    name = next((each for each in COMMANDS if f"{line} ".startswith(f"{each} ")), None)
    if name is None:
        raise ProgramFailedError(f"ERROR: the fake has no such command: {line}")
    rest = run.words[len(name.split()) :]
    flags = [each for each in run.arguments if each.startswith("--")]
    try:
        return COMMANDS[name](state, ProgramRun([*rest, *flags], run.stdin))
    except KeyError as error:
        raise ProgramFailedError(f"ERROR: (gcloud.{name.replace(' ', '.')}) {error}") from None
