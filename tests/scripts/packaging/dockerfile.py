"""A parser for simple Dockerfiles: one instruction on each line, no parser directives.

Source: https://docs.docker.com/reference/dockerfile/
"""

import json
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Instruction:
    """An instruction of a stage: its word, in capitals, and its arguments."""

    word: str
    arguments: str


@dataclass(frozen=True)
class Stage:
    """A build stage; the last one becomes the image."""

    image: str
    name: str | None
    instructions: list[Instruction] = field(default_factory=list)

    def all(self, word: str) -> list[str]:
        """Return the arguments of each instruction of one kind."""
        return [each.arguments for each in self.instructions if each.word == word]


def parse_stages(text: str) -> list[Stage]:
    """Return the stages of a Dockerfile."""
    found: list[Stage] = []
    for line in text.replace("\\\n", " ").splitlines():
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        word, _, arguments = line.strip().partition(" ")
        if word.upper() == "FROM":
            image, *named = arguments.split()
            found.append(Stage(image, named[1] if named else None))
        else:
            found[-1].instructions.append(Instruction(word.upper(), arguments.strip()))
    return found


def container_command(text: str) -> list[str]:
    """Return the command of the container, in its form without a shell.

    Raises:
        ValueError: there is not exactly one command, or it needs a shell.
    """
    [command] = parse_stages(text)[-1].all("CMD")
    words: list[str] = json.loads(command)
    return words
