"""What a deployment may choose, read from the environment once; a wrong value fails the start.

What concerns one purchase store alone is in that store's own file in `shared/auth`. The README's
table and `.env.example` are held against all of them by `tests/test_configuration.py`.
"""

from collections.abc import Iterator
from typing import Any

from pydantic import (
    ValidationError,
)
from pydantic_settings import BaseSettings, SettingsConfigDict


class Settings(BaseSettings):
    """The variables of one concern. One that is set to nothing counts as not set."""

    model_config = SettingsConfigDict(env_ignore_empty=True, frozen=True, validate_by_name=True)

    def __init__(self, **values: Any) -> None:  # noqa: ANN401 - pydantic checks them
        try:
            super().__init__(**values)
        except ValidationError as error:
            raise ValueError("; ".join(self._mistakes(error))) from None

    @classmethod
    def _mistakes(cls, error: ValidationError) -> Iterator[str]:
        """Say what is wrong with which variable, in the operator's words and without the value."""
        for mistake in error.errors(include_input=False, include_url=False):
            field = str(mistake["loc"][0])
            name = cls.variable(field) if field in cls.model_fields else field
            yield f"{name}: {mistake['msg']}"

    @classmethod
    def variable(cls, field: str) -> str:
        """Return the name of the environment variable that `field` comes from."""
        alias = cls.model_fields[field].validation_alias
        return (
            alias if isinstance(alias, str) else f"{cls.model_config['env_prefix']}{field}".upper()
        )
