"""`./scripts/deploy smoke`; the new revisions are the services of the test stack."""

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
from tests.scripts.cloud.project_state import IMAGE, deploy_all
from tests.scripts.conftest import DEPLOY, PROJECT, FakeClock, FakeCloud

CLOSED_PORT = "http://127.0.0.1:1"
JOURNEY = "$ PURCHASE_TOKEN=... ./scripts/journey --era 2025 users=http"
NEW_JOURNEY = JOURNEY.replace("2025", "2026")
CHAT = "$ PURCHASE_TOKEN=... ./scripts/chat http"
INVOKER = f"cleanup-trigger@{PROJECT}.iam.gserviceaccount.com"


def services() -> dict[str, Service]:
    """Return the services of a release that changes all of them."""
    return {
        name: Service(f"https://{name}.example", url(stack.current().of(name)), f"{name}-1", "2")
        for name in SERVICES
    }


def save_services(cloud: FakeCloud, found: dict[str, Service]) -> None:
    Release("prod", IMAGE, has_changes=True, services=found).save(cloud.root)


@pytest.fixture
def applied(cloud: FakeCloud, clock: FakeClock) -> FakeCloud:
    """A release after `apply`."""
    assert clock.passed_s == 0
    deploy_all(cloud)
    save_services(cloud, services())
    return cloud


def test_smoke_checks_services_and_runs_clients(applied: FakeCloud) -> None:
    done = applied.run(*DEPLOY, "smoke")
    assert done.returncode == 0, done.stdout + done.stderr
    for name in SERVICES:
        assert f"{name} is ready: {url(stack.current().of(name))}/health/ready" in done.stdout
    assert "features of all services: feed, sharing, aiPlanner, backup" in done.stdout
    assert JOURNEY in done.stdout
    assert NEW_JOURNEY in done.stdout
    assert CHAT in done.stdout
    assert done.stdout.endswith("next: ./scripts/deploy --environment prod canary\n")


def test_output_does_not_contain_the_key(applied: FakeCloud) -> None:
    done = applied.run(*DEPLOY, "smoke")
    key = applied.state["secrets"]["web-auth-key"][0]["data"]
    assert key not in done.stdout + done.stderr
    assert JOURNEY in done.stdout


def test_private_service_is_called_as_its_invoker(applied: FakeCloud) -> None:
    applied.update(secrets={})  # ends the stage before the journey
    applied.run(*DEPLOY, "smoke")
    [command] = [each for each in applied.commands if "print-identity-token" in each]
    assert f"--impersonate-service-account={INVOKER}" in command
    assert "--audiences=https://cleanup.example" in command


class SilentHandler(BaseHTTPRequestHandler):
    """Handles requests without log lines."""

    def log_message(self, format: str, *arguments: object) -> None:  # noqa: A002 - the name of the base class
        """Log nothing."""


@contextmanager
def served(handler: type[BaseHTTPRequestHandler]) -> Iterator[str]:
    """Serve during the block; yield the URL."""
    with ThreadingHTTPServer((HOST, 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
        thread.start()
        yield f"http://{HOST}:{server.server_address[1]}"
        server.shutdown()
        thread.join()


@contextmanager
def private_service(first: HTTPStatus = HTTPStatus.OK) -> Iterator[str]:
    """Serve a readiness endpoint for the invoker alone; its first response has another status."""
    statuses = [first]

    class Handler(SilentHandler):
        def do_GET(self) -> None:
            token = f"Bearer token-for-https://cleanup.example-as-{INVOKER}"
            is_allowed = self.headers["Authorization"] == token and self.path == "/health/ready"
            status = statuses.pop() if is_allowed and statuses else HTTPStatus.OK
            self.send_response(status if is_allowed else HTTPStatus.FORBIDDEN)
            self.end_headers()

    with served(Handler) as address:
        yield address


@contextmanager
def serve_features(content: bytes) -> Iterator[str]:
    """Serve a ready service that answers `/features` with these bytes."""

    class Handler(SilentHandler):
        def do_GET(self) -> None:
            self.send_response(HTTPStatus.OK)
            self.end_headers()
            self.wfile.write(content if self.path == "/features" else b"")

    with served(Handler) as address:
        yield address


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b'{"feed": true, "backup": false}', "backup: feed\n"),
        (b'{"feed": false}', "backup: none\n"),
        (b"healthy", "backup does not list its features: 200"),
        (b"[1]", "backup does not list its features: 200"),
    ],
    ids=["other features", "no features", "text", "list"],
)
def test_services_must_offer_the_same_features(
    applied: FakeCloud, content: bytes, reason: str
) -> None:
    with serve_features(content) as address:
        backup = replace(services()["backup"], url=address)
        save_services(applied, {"users": services()["users"], "backup": backup})
        done = applied.run(*DEPLOY, "smoke")
    assert (done.returncode, reason in done.stdout) == (1, True), done.stdout
    assert "journey" not in done.stdout


@pytest.mark.parametrize("first", [HTTPStatus.OK, HTTPStatus.SERVICE_UNAVAILABLE], ids=str)
def test_private_service_may_become_ready_later(applied: FakeCloud, first: HTTPStatus) -> None:
    with private_service(first) as address:
        cleanup = replace(services()["cleanup"], url=address)
        save_services(applied, services() | {"cleanup": cleanup})
        applied.update(secrets={})  # ends the stage before the journey
        done = applied.run(*DEPLOY, "smoke")
    assert f"cleanup is ready: {address}/health/ready" in done.stdout


def test_unready_service_fails_without_a_wait(applied: FakeCloud) -> None:
    with private_service(HTTPStatus.SERVICE_UNAVAILABLE) as address:
        save_services(applied, {"cleanup": replace(services()["cleanup"], url=address)})
        done = applied.run(*DEPLOY, "smoke", "--ready-within-s", "0")
    assert (done.returncode, "cleanup is not ready: 503" in done.stdout) == (1, True)


def test_denied_impersonation_names_the_role(applied: FakeCloud) -> None:
    applied.update(impersonation_denied=True)
    done = applied.run(*DEPLOY, "smoke")
    assert done.returncode == 1
    assert "PERMISSION_DENIED" in done.stdout
    assert f"add-iam-policy-binding {INVOKER}" in done.stdout


def test_unreachable_revision_ends_the_release(applied: FakeCloud) -> None:
    broken = services()
    broken["events"] = replace(broken["events"], url=CLOSED_PORT)
    save_services(applied, broken)
    done = applied.run(*DEPLOY, "smoke", "--ready-within-s", "1")
    assert done.returncode == 1
    assert "events is not ready" in done.stdout
    assert "No traffic was moved. New revisions have the tag candidate" in done.stdout
    assert "journey" not in done.stdout


def test_disconnecting_revision_is_not_ready(applied: FakeCloud) -> None:
    with TCPServer((HOST, 0), BaseRequestHandler) as server:
        thread = threading.Thread(target=server.handle_request, daemon=True)
        thread.start()
        address = f"http://{HOST}:{server.server_address[1]}"
        broken = services()
        broken["users"] = replace(broken["users"], url=address)
        save_services(applied, broken)
        done = applied.run(*DEPLOY, "smoke", "--ready-within-s", "0")
        thread.join()
    assert (done.returncode, "users is not ready: Server disconnected" in done.stdout) == (1, True)


def test_revision_with_an_error_status_is_not_ready(applied: FakeCloud) -> None:
    broken = services()
    broken["events"] = replace(broken["events"], url=f"{broken['events'].url}/nothing/here")
    save_services(applied, broken)
    done = applied.run(*DEPLOY, "smoke", "--ready-within-s", "0")
    assert (done.returncode, "events is not ready: 404" in done.stdout) == (1, True)


def test_failed_journey_ends_the_release(applied: FakeCloud) -> None:
    mixed_up = services()
    mixed_up["users"] = replace(mixed_up["users"], url=mixed_up["events"].url)
    save_services(applied, mixed_up)
    done = applied.run(*DEPLOY, "smoke")
    assert done.returncode == 1
    assert "failed with status 1: ./scripts/journey" in done.stdout
    assert "No traffic was moved." in done.stdout


def test_failed_conversation_ends_the_release(applied: FakeCloud) -> None:
    mixed_up = services()
    mixed_up["chat"] = replace(mixed_up["chat"], url=mixed_up["users"].url)
    save_services(applied, mixed_up)
    done = applied.run(*DEPLOY, "smoke")
    assert (done.returncode, "failed with status 1: ./scripts/chat" in done.stdout) == (1, True)


def test_subscriber_requests_need_a_configured_key(applied: FakeCloud) -> None:
    lines = f'project = "{PROJECT}"\nregion = "us-central1"\nsecrets = ["OPENAI_API_KEY"]\n'
    (applied.folder / "prod.tfvars").write_text(lines)
    others = {name: each for name, each in services().items() if name != "ai"}
    save_services(applied, others)
    done = applied.run(*DEPLOY, "smoke")
    assert done.returncode == 0, done.stdout
    assert "no WEB_AUTH_KEY: requests that need a subscription are skipped" in done.stdout
    assert "$ ./scripts/journey --era 2025 users=http" in done.stdout
    assert "./scripts/chat" not in done.stdout


def test_smoke_works_without_a_chat(applied: FakeCloud) -> None:
    others = {name: each for name, each in services().items() if name != "chat"}
    save_services(applied, others)
    done = applied.run(*DEPLOY, "smoke")
    assert done.returncode == 0, done.stdout + done.stderr
    assert JOURNEY in done.stdout
    assert "./scripts/chat" not in done.stdout


def test_missing_key_ends_the_release(applied: FakeCloud) -> None:
    applied.update(secrets={})
    done = applied.run(*DEPLOY, "smoke")
    assert (done.returncode, "failed with status 1: gcloud secrets" in done.stdout) == (1, True)
