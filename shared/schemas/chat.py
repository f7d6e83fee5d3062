"""Negotiation of a chat connection, and the messages of the hubs.

Source: contract, heading "Chat"; for the negotiation
https://github.com/dotnet/aspnetcore/blob/main/src/SignalR/docs/specs/TransportProtocols.md
"""

from datetime import date
from typing import Annotated, Literal

from pydantic import Field

from shared.schemas.ai import WorkoutPlan
from shared.schemas.blueprint import PLAN_VERSION, Program
from shared.schemas.blueprint import Session as ProgramSession
from shared.schemas.wire import Request, Response, ResponseWithoutNulls


class NegotiationRequest(Request):
    negotiate_version: Annotated[int, Field(ge=0)] = 0


class Transport(Response):
    """A transport with its formats."""

    transport: Literal["WebSockets"] = "WebSockets"
    transfer_formats: tuple[str, ...] = ("Text", "Binary")


class Negotiation(ResponseWithoutNulls):
    """The response to a negotiation."""

    negotiate_version: int
    connection_id: str
    connection_token: str | None
    """Omitted in version 0, which uses the id instead."""

    available_transports: tuple[Transport, ...] = (Transport(),)


class MessageResponse(Response):
    """The complete text of a reply up to now."""

    type: Literal["messageResponse"] = "messageResponse"
    message: str


class ChatPlan(Response):
    """The complete plan up to now, for apps of 2025."""

    type: Literal["chatPlan"] = "chatPlan"
    plan: WorkoutPlan


class Session(ProgramSession):
    """A session as apps store it."""

    version: Literal[6] = 6


class Blueprint(Response):
    """A program as apps store it."""

    version: Literal[3] = PLAN_VERSION
    name: str
    sessions: list[Session]
    last_edited: date


class ChatPlanV2(Response):
    """The complete plan up to now, for apps of 2026."""

    type: Literal["chatPlan"] = "chatPlan"
    name: str
    description: str
    blueprint: Blueprint
    version: Literal[3] = PLAN_VERSION

    @classmethod
    def of_program(cls, program: Program, today: date) -> "ChatPlanV2":
        """Return `program`, which may be incomplete, as a plan last edited `today`."""
        # `model_construct` skips the validation, which an incomplete program would not pass.
        sessions = [
            Session.model_construct(name=each.name, exercises=each.exercises, notes=each.notes)
            for each in program.sessions
        ]
        return cls(
            name=program.name,
            description=program.description,
            blueprint=Blueprint.model_construct(
                name=program.name, sessions=sessions, last_edited=today
            ),
        )


class UpdateRequired(Response):
    """The app does not support the current version of plans."""

    type: Literal["updateRequired"] = "updateRequired"
    required_version: int = PLAN_VERSION


ChatMessage = MessageResponse | ChatPlan | ChatPlanV2 | UpdateRequired
