"""The negotiation of a chat connection, and the messages of the hubs.

Source: contract, heading "Chat"; for the negotiation
https://github.com/dotnet/aspnetcore/blob/main/src/SignalR/docs/specs/TransportProtocols.md
"""

from datetime import date
from typing import Annotated, Literal

from pydantic import Field

from shared.schemas.ai import LongWorkoutPlan
from shared.schemas.blueprint import PLAN_VERSION, Program
from shared.schemas.blueprint import Session as ProgramSession
from shared.schemas.wire import Request, Response, ResponseWithoutNulls


class NegotiationRequest(Request):
    negotiate_version: Annotated[int, Field(ge=0)] = 0


class Transport(Response):
    """A transport that the server offers."""

    transport: Literal["WebSockets"] = "WebSockets"
    transfer_formats: tuple[str, ...] = ("Text", "Binary")


class Negotiation(ResponseWithoutNulls):
    """The response to a negotiation."""

    negotiate_version: int
    connection_id: str
    connection_token: str | None
    """Absent in version 0, where the client connects with the id."""

    available_transports: tuple[Transport, ...] = (Transport(),)


class MessageResponse(Response):
    """The whole text of a reply so far."""

    type: Literal["messageResponse"] = "messageResponse"
    message: str


class ChatPlan(Response):
    """The whole plan so far, on `/ai-chat`."""

    type: Literal["chatPlan"] = "chatPlan"
    plan: LongWorkoutPlan


class Session(ProgramSession):
    """A session in the form that apps store."""

    version: Literal[6] = 6


class Blueprint(Response):
    """A program in the form that apps store."""

    version: Literal[3] = PLAN_VERSION
    name: str
    sessions: list[Session]
    last_edited: date


class ChatPlanV2(Response):
    """The whole plan so far, on `/ai-chat-v2`."""

    type: Literal["chatPlan"] = "chatPlan"
    name: str
    description: str
    blueprint: Blueprint
    version: Literal[3] = PLAN_VERSION

    @classmethod
    def of_program(cls, program: Program, today: date) -> "ChatPlanV2":
        """Return `program`, which may be incomplete, as a plan last edited `today`."""
        # `model_construct` skips validation: an incomplete plan violates its limits.
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
    """The app cannot read the current plan version."""

    type: Literal["updateRequired"] = "updateRequired"
    required_version: int = PLAN_VERSION


ChatMessage = MessageResponse | ChatPlan | ChatPlanV2 | UpdateRequired
