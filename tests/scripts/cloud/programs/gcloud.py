"""A fake of gcloud: the commands that our own use, on the state of the tests.

Source: https://cloud.google.com/sdk/gcloud/reference
"""

from tests.scripts.cloud.programs import (
    cloud_run,
    identity,
    images,
    secrets,
    storage,
    url_maps,
)
from tests.scripts.cloud.programs.call import Call, Command, RefusedError, State

COMMANDS: dict[str, Command] = {
    **cloud_run.COMMANDS,
    **identity.COMMANDS,
    **images.COMMANDS,
    **secrets.COMMANDS,
    **storage.COMMANDS,
    **url_maps.COMMANDS,
}


def main(state: State, call: Call) -> str:
    """Answer one call."""
    line = " ".join(call.words)
    name = next((each for each in COMMANDS if f"{line} ".startswith(f"{each} ")), None)
    if name is None:
        raise RefusedError(f"ERROR: the fake has no such command: {line}")
    rest = call.words[len(name.split()) :]
    flags = [each for each in call.arguments if each.startswith("--")]
    try:
        return COMMANDS[name](state, Call([*rest, *flags], call.given))
    except KeyError as error:
        raise RefusedError(f"ERROR: (gcloud.{name.replace(' ', '.')}) {error}") from None
