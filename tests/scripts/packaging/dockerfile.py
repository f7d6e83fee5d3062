"""A Dockerfile, read as far as ours goes: one instruction a line, no parser's options.

Source: https://docs.docker.com/reference/dockerfile/
"""

import json
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Instruction:
    """One of a stage: its word, in capitals, and what follows."""

    word: str
    rest: str


@dataclass(frozen=True)
class Stage:
    """An image that is made on the way; the last is what runs."""

    image: str
    name: str | None
    instructions: list[Instruction] = field(default_factory=list)

    def all(self, word: str) -> list[str]:
        """Return what follows each instruction of one kind."""
        return [each.rest for each in self.instructions if each.word == word]


def stages(text: str) -> list[Stage]:
    """Return the stages of a Dockerfile."""
    found: list[Stage] = []
    for line in text.replace("\\\n", " ").splitlines():
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        word, _, rest = line.strip().partition(" ")
        if word.upper() == "FROM":
            image, *named = rest.split()
            found.append(Stage(image, named[1] if named else None))
        else:
            found[-1].instructions.append(Instruction(word.upper(), rest.strip()))
    return found


def command_of(text: str) -> list[str]:
    """Return what the container runs, which has to be without a shell.

    Raises:
        ValueError: it is not, or there is none, or more.
    """
    [command] = stages(text)[-1].all("CMD")
    words: list[str] = json.loads(command)
    return words
