"""`./scripts/deploy smoke`: new revisions are tried, here those of the tests' own stack."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from socketserver import BaseRequestHandler, TCPServer

import pytest

from scripts.local.ports import HOST, SERVICES, url
from scripts.release.release import Release, Service
from tests import stack
from tests.scripts.cloud.deployed import IMAGE, deploy_everything
from tests.scripts.conftest import PROJECT, Clock, Cloud

DEPLOY = ("deploy", "--environment=prod")
NOWHERE = "http://127.0.0.1:1"


def services() -> dict[str, Service]:
    """Return what a release of all services has made."""
    return {
        name: Service(f"https://{name}.example", url(stack.current().of(name)), f"{name}-1", "2")
        for name in SERVICES
    }


@pytest.fixture
def applied(cloud: Cloud, clock: Clock) -> Cloud:
    """A release whose new revisions are there."""
    deploy_everything(cloud)
    Release("prod", IMAGE, (), (), services()).save(cloud.root)
    return cloud


def test_every_service_is_asked_and_the_journey_and_a_talk_are_played(applied: Cloud) -> None:
    done = applied.run(*DEPLOY, "smoke")
    assert done.returncode == 0, done.stdout + done.stderr
    for name in SERVICES:
        assert f"{name} is ready: {url(stack.current().of(name))}/health/ready" in done.stdout
    assert "Alice, who has bought Pro, has a session made" in done.stdout
    assert "steps went as they should" in done.stdout
    assert "I am a stand-in for a language model" in done.stdout
    assert done.stdout.endswith("next: ./scripts/deploy --environment prod canary\n")


def test_the_key_is_nowhere_to_be_seen(applied: Cloud) -> None:
    done = applied.run(*DEPLOY, "smoke")
    key = applied.state["secrets"]["web-auth-key"][0]["data"]
    assert key not in done.stdout + done.stderr
    assert "PURCHASE_TOKEN=... ./scripts/journey users=http" in done.stdout


def test_what_is_private_is_asked_as_the_one_who_may(applied: Cloud) -> None:
    applied.has(secrets={})  # ends it before the journey
    applied.run(*DEPLOY, "smoke")
    [call] = [call for call in applied.calls if "print-identity-token" in call]
    account = f"cleanup-trigger@{PROJECT}.iam.gserviceaccount.com"
    assert f"--impersonate-service-account={account}" in call
    assert "--audiences=https://cleanup.example" in call


@contextmanager
def private(first: HTTPStatus = HTTPStatus.OK) -> Iterator[str]:
    """Serve what is ready for the one who may ask; its first answer to that one is another."""
    account = f"cleanup-trigger@{PROJECT}.iam.gserviceaccount.com"
    answers = [first]

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            token = f"Bearer token-for-https://cleanup.example-as-{account}"
            may = self.headers["Authorization"] == token and self.path == "/health/ready"
            status = answers.pop() if may and answers else HTTPStatus.OK
            self.send_response(status if may else HTTPStatus.FORBIDDEN)
            self.end_headers()

        def log_message(self, format: str, *arguments: object) -> None:  # noqa: A002
            """Say nothing."""

    with ThreadingHTTPServer((HOST, 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
        thread.start()
        yield f"http://{HOST}:{server.server_address[1]}"
        server.shutdown()
        thread.join()


@pytest.mark.parametrize("first", [HTTPStatus.OK, HTTPStatus.SERVICE_UNAVAILABLE], ids=str)
def test_what_is_private_hears_who_asks_and_may_take_its_time(
    applied: Cloud, first: HTTPStatus
) -> None:
    with private(first) as address:
        cleanup = replace(services()["cleanup"], url=address)
        Release("prod", IMAGE, (), (), services() | {"cleanup": cleanup}).save(applied.root)
        applied.has(secrets={})  # ends it before the journey
        done = applied.run(*DEPLOY, "smoke")
    assert f"cleanup is ready: {address}/health/ready" in done.stdout


def test_what_is_not_ready_at_once_is_not_ready_if_nobody_waits(applied: Cloud) -> None:
    with private(HTTPStatus.SERVICE_UNAVAILABLE) as address:
        cleanup = replace(services()["cleanup"], url=address)
        Release("prod", IMAGE, (), (), {"cleanup": cleanup}).save(applied.root)
        done = applied.run(*DEPLOY, "smoke", "--ready-within-s", "0")
    assert (done.returncode, "cleanup is not ready: 503" in done.stdout) == (1, True)


def test_whoever_may_not_is_told_what_helps(applied: Cloud) -> None:
    applied.has(nobody_speaks_for_another=True)
    done = applied.run(*DEPLOY, "smoke")
    assert done.returncode == 1
    assert "PERMISSION_DENIED" in done.stdout
    assert "add-iam-policy-binding cleanup-trigger@liftlog-prod.iam.gserviceaccount.com" in (
        done.stdout
    )


def test_a_revision_that_is_not_ready_ends_the_release(applied: Cloud) -> None:
    broken = services()
    broken["events"] = replace(broken["events"], url=NOWHERE)
    Release("prod", IMAGE, (), (), broken).save(applied.root)
    done = applied.run(*DEPLOY, "smoke", "--ready-within-s", "1")
    assert done.returncode == 1
    assert "events is not ready" in done.stdout
    assert "No traffic was moved. What failed has the tag candidate" in done.stdout
    assert "journey" not in done.stdout


def test_a_revision_that_hangs_up_is_not_ready(applied: Cloud) -> None:
    with TCPServer((HOST, 0), BaseRequestHandler) as server:
        thread = threading.Thread(target=server.handle_request, daemon=True)
        thread.start()
        address = f"http://{HOST}:{server.server_address[1]}"
        broken = services()
        broken["users"] = replace(broken["users"], url=address)
        Release("prod", IMAGE, (), (), broken).save(applied.root)
        done = applied.run(*DEPLOY, "smoke", "--ready-within-s", "0")
        thread.join()
    assert (done.returncode, "users is not ready: Server disconnected" in done.stdout) == (1, True)


def test_a_revision_that_says_so_is_not_ready(applied: Cloud) -> None:
    broken = services()
    broken["events"] = replace(broken["events"], url=f"{broken['events'].url}/nothing/here")
    Release("prod", IMAGE, (), (), broken).save(applied.root)
    done = applied.run(*DEPLOY, "smoke", "--ready-within-s", "0")
    assert (done.returncode, "events is not ready: 404" in done.stdout) == (1, True)


def test_a_journey_that_breaks_off_ends_the_release(applied: Cloud) -> None:
    mixed_up = services()
    mixed_up["users"] = replace(mixed_up["users"], url=mixed_up["events"].url)
    Release("prod", IMAGE, (), (), mixed_up).save(applied.root)
    done = applied.run(*DEPLOY, "smoke")
    assert (done.returncode, "The journey broke off" in done.stdout) == (1, True)
    assert "failed with status 1: ./scripts/journey" in done.stdout
    assert "No traffic was moved." in done.stdout


def test_a_chat_that_does_not_talk_ends_the_release(applied: Cloud) -> None:
    mixed_up = services()
    mixed_up["chat"] = replace(mixed_up["chat"], url=mixed_up["users"].url)
    Release("prod", IMAGE, (), (), mixed_up).save(applied.root)
    done = applied.run(*DEPLOY, "smoke")
    assert (done.returncode, "failed with status 1: ./scripts/chat" in done.stdout) == (1, True)


def test_without_the_key_there_is_no_part_for_subscribers(applied: Cloud) -> None:
    lines = f'project = "{PROJECT}"\nregion = "us-central1"\nsecrets = ["OPENAI_API_KEY"]\n'
    (applied.folder / "prod.tfvars").write_text(lines)
    others = {name: each for name, each in services().items() if name != "ai"}  # nor its service
    Release("prod", IMAGE, (), (), others).save(applied.root)
    done = applied.run(*DEPLOY, "smoke")
    assert done.returncode == 0, done.stdout
    assert "without WEB_AUTH_KEY nothing is tried that only subscribers may do" in done.stdout
    assert "bought Pro" not in done.stdout
    assert "./scripts/chat" not in done.stdout


def test_where_there_is_no_chat_the_rest_is_played(applied: Cloud) -> None:
    others = {name: each for name, each in services().items() if name != "chat"}
    Release("prod", IMAGE, (), (), others).save(applied.root)
    done = applied.run(*DEPLOY, "smoke")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "bought Pro" in done.stdout
    assert "./scripts/chat" not in done.stdout


def test_a_key_that_is_to_be_there_and_is_not_ends_the_release(applied: Cloud) -> None:
    applied.has(secrets={})
    done = applied.run(*DEPLOY, "smoke")
    assert (done.returncode, "failed with status 1: gcloud secrets" in done.stdout) == (1, True)
