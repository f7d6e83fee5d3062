"""JSON objects in the sources bucket that one operation leaves for the next.

Source: https://cloud.google.com/storage/docs/request-preconditions (generation numbers)
"""

import json
from dataclasses import dataclass

from scripts.cloud.environments import Environment
from scripts.cloud.runner import CommandFailedError, CommandRunner


@dataclass(frozen=True)
class ObjectVersion:
    """Content of an object, with the generation that identifies it."""

    text: str
    generation: str
    """Cloud Storage gives each write another number."""


class StoredObject:
    """One object of an environment, replaced only if no other write came between."""

    def __init__(self, runner: CommandRunner, environment: Environment, name: str) -> None:
        self.url = f"gs://{environment.sources_bucket}/{name}"
        self._runner = runner
        self._project = f"--project={environment.project}"

    def read_text(self, if_dry: str | None = None) -> str:
        """Return the content; a dry run returns `if_dry` if it is set.

        Raises:
            CommandFailedError: the object does not exist or cannot be read.
        """
        return self._runner.read("gcloud", "storage", "cat", self.url, self._project, if_dry=if_dry)

    def read_version(self, if_dry: ObjectVersion | None = None) -> ObjectVersion:
        """Return content and generation, for a later `replace`; raises like `read_text`."""
        number = None if if_dry is None else json.dumps({"generation": if_dry.generation})
        # The generation first: a write between the two commands then fails our precondition.
        described = self._runner.read(
            *("gcloud", "storage", "objects", "describe", self.url, self._project),
            "--format=json",
            if_dry=number,
        )
        text = self.read_text(None if if_dry is None else if_dry.text)
        return ObjectVersion(text, str(json.loads(described)["generation"]))

    def replace(self, version: ObjectVersion, text: str) -> None:
        """Replace the content, if the object still has this version.

        Raises:
            CommandFailedError: the object was not replaced.
        """
        # Without the precondition, two operators would overwrite each other's change.
        flags = (f"--if-generation-match={version.generation}", "--content-type=application/json")
        try:
            self._runner.change(
                *("gcloud", "storage", "cp", "-", self.url, *flags, self._project), stdin=text
            )
        except CommandFailedError as error:
            raise CommandFailedError(
                f"{error}\nNothing was changed. If a precondition failed (412), another process "
                f"has changed {self.url}: check its content, then run this command again"
            ) from None
