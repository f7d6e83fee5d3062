"""The base class of all settings: environment variables, read once at the start of a process.

Each package has its settings beside the code that uses them. `./scripts/docs` writes all of them to
`docs/configuration.md` and `.env.example`.
"""

from collections.abc import Iterator
from typing import Any

from pydantic import ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict


class Settings(BaseSettings):
    """The settings of one concern; an invalid value fails the start.

    An empty variable counts as not set. The docstring of a field describes it to operators.
    """

    model_config = SettingsConfigDict(env_ignore_empty=True, frozen=True, validate_by_name=True)

    def __init__(self, **values: Any) -> None:  # noqa: ANN401 - pydantic validates them
        try:
            super().__init__(**values)
        except ValidationError as error:
            # `from None`: the text of pydantic's error contains the values, which can be secrets.
            raise ValueError("; ".join(self._problems(error))) from None

    @classmethod
    def _problems(cls, error: ValidationError) -> Iterator[str]:
        """Describe each problem by the variable's name, without the value: it may be a secret."""
        for problem in error.errors(include_input=False, include_url=False):
            if not problem["loc"]:
                # A rule for several fields; its message names the variables.
                yield problem["msg"]
                continue
            field = str(problem["loc"][0])
            name = cls.variable(field) if field in cls.model_fields else field
            yield f"{name}: {problem['msg']}"

    @classmethod
    def variable(cls, field: str) -> str:
        """Return the name of the environment variable of `field`."""
        alias = cls.model_fields[field].validation_alias
        return (
            alias if isinstance(alias, str) else f"{cls.model_config['env_prefix']}{field}".upper()
        )
