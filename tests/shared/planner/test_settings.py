"""Settings of the model that limit each other."""

from typing import Any

import httpx2
import pytest
from pydantic import SecretStr

from shared.clients.secrets import Secrets
from shared.clients.settings import SecretSettings
from shared.planner.messages import Function
from shared.planner.model import Model
from shared.planner.prompts import coach_prompt
from shared.planner.settings import ModelSettings
from shared.schemas import ai, blueprint
from tests.shared.planner.conftest import KEY

MIN_SIZES_TOKENS = {"context_tokens": 8000, "max_tokens": 4000}


def settings(values: dict[str, Any]) -> ModelSettings:
    return ModelSettings(api_key=SecretStr(KEY), **values)


@pytest.mark.parametrize(
    "values",
    [
        {"context_tokens": 8000},
        {"max_tokens": 64_001},
        {"context_tokens": 10_000, "max_tokens": 5001},
    ],
)
def test_response_may_take_half_of_the_context(values: dict[str, int]) -> None:
    with pytest.raises(ValueError, match="at most half of OPENAI_CONTEXT_TOKENS"):
        settings(values)
    assert settings(MIN_SIZES_TOKENS).max_tokens == 4000


@pytest.mark.parametrize("plan", [blueprint.Program, ai.LongWorkoutPlan])
async def test_smallest_context_has_room_for_a_message(
    outgoing: httpx2.AsyncClient, plan: type[blueprint.Program]
) -> None:
    model = Model(settings(MIN_SIZES_TOKENS), Secrets(SecretSettings()), outgoing)
    prompt = coach_prompt("en-AU", "kilograms (kg)")
    left = model.conversation_tokens(Function("show_plan", "Show a plan.", plan), prompt)
    assert 300 < left < 4000
