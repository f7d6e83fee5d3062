"""Objects beside the functions' archives, in which operations keep what the next one has to know.

Source: https://cloud.google.com/storage/docs/request-preconditions (generation numbers)
"""

import json
from dataclasses import dataclass

from scripts.cloud.calls import Calls, FailedCallError
from scripts.cloud.environments import Environment


@dataclass(frozen=True)
class Version:
    """What an object held at some time."""

    text: str
    generation: str
    """Its number, which every change raises."""


class KeptObject:
    """One object of an environment."""

    def __init__(self, calls: Calls, environment: Environment, name: str) -> None:
        self.url = f"gs://{environment.sources_bucket}/{name}"
        self._calls = calls
        self._project = f"--project={environment.project}"

    def text(self, if_dry: str | None = None) -> str:
        """Return what it holds; a dry run takes `if_dry` for that, if it is given.

        Raises:
            FailedCallError: it is not there, or cannot be read.
        """
        return self._calls.read("gcloud", "storage", "cat", self.url, self._project, if_dry=if_dry)

    def version(self, if_dry: Version | None = None) -> Version:
        """Return what it holds, in order to replace it; raises as `text`."""
        number = None if if_dry is None else json.dumps({"generation": if_dry.generation})
        # The number first: whoever writes between the two makes ours be refused.
        described = self._calls.read(
            *("gcloud", "storage", "objects", "describe", self.url, self._project),
            "--format=json",
            if_dry=number,
        )
        text = self.text(None if if_dry is None else if_dry.text)
        return Version(text, str(json.loads(described)["generation"]))

    def replace(self, version: Version, text: str) -> None:
        """Let it hold `text` instead of `version`.

        Raises:
            FailedCallError: it is as it was, or as somebody else has made it meanwhile.
        """
        flags = (f"--if-generation-match={version.generation}", "--content-type=application/json")
        try:
            self._calls.change(
                *("gcloud", "storage", "cp", "-", self.url, *flags, self._project), takes=text
            )
        except FailedCallError as error:
            raise FailedCallError(
                f"{error}\nNothing was changed. If a precondition failed (412), somebody else has "
                f"changed {self.url} meanwhile: look again, and repeat this"
            ) from None
