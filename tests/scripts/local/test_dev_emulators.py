"""`./scripts/dev` with an emulator that the environment names."""

import pytest
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.types import Receive, Scope, Send

from scripts.local.services import PROJECT
from scripts.local.stack import Stack
from tests.emulators import emulators
from tests.loopback import served


@pytest.mark.firestore
def test_dev_warms_up_a_named_emulator_before_it_is_ready() -> None:
    commits: list[str] = []

    async def emulator(scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive)
        if request.method == "POST":
            commits.append(request.url.path)
        await JSONResponse({})(scope, receive, send)

    with served(emulator) as url:
        firestore = {"FIRESTORE_EMULATOR_HOST": url.removeprefix("http://")}
        with Stack("--emulators", environment={**emulators().environment, **firestore}):
            expected = f"/v1/projects/{PROJECT}/databases/(default)/documents:commit"
            assert commits == [expected, expected]  # a write and a deletion
