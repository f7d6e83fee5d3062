"""Shapes of the routes of backups.

Source: contract, heading "Backups".
"""

from datetime import datetime

from shared.schemas.wire import Request, Response


class BackupsRequest(Request):
    """Has no fields."""


class BackupAddress(Request):
    id: str


class BackupResponse(Response):
    id: str
    created_at: datetime
    size_bytes: int


class BackupsResponse(Response):
    backups: list[BackupResponse]
