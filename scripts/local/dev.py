"""`./scripts/dev`: start the whole product on this machine."""

import argparse
import os
import signal
import sys
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from types import FrameType

from dotenv import load_dotenv
from rich.console import Console

from scripts.fakes.revenuecat import SUBSCRIBER
from scripts.fakes.settings import WEB_KEY, lacks_model, lacks_revenuecat
from scripts.local import services
from scripts.local.emulator import (
    FIRESTORE,
    PUBSUB,
    Emulator,
    NotInstalledError,
    WarmUpError,
    answers,
    warm_up,
)
from scripts.local.interruptions import ENDING
from scripts.local.ports import CALLED_BY_APPS, HOST, SERVICES, Ports, base_port, is_free, url
from scripts.local.processes import Processes, ProgramEndedError
from scripts.local.pubsub import push_topic
from scripts.root import ROOT

_NAMED_BY = {FIRESTORE: "FIRESTORE_EMULATOR_HOST", PUBSUB: "PUBSUB_EMULATOR_HOST"}

console = Console(highlight=False, soft_wrap=True)


class CannotStartError(Exception):
    """The stack cannot start. The message names the next step."""


def main() -> int:
    """Run the stack until Ctrl-C or SIGTERM; return the exit status."""
    options = _options()
    # Variables of the environment win over the file.
    load_dotenv(options.env_file)
    for number in ENDING:
        # Set SIGINT too: a shell ignores it for a process that it starts in the background.
        signal.signal(number, _interrupt)
    try:
        with Processes() as processes:
            try:
                _start(processes, Ports(options.port), isolated=options.isolated)
                processes.wait()
            finally:
                # A second Ctrl-C must not interrupt the end of the started processes.
                for number in ENDING:
                    signal.signal(number, signal.SIG_IGN)
    except KeyboardInterrupt:
        console.print("stopped")
    except (CannotStartError, NotInstalledError, ProgramEndedError, WarmUpError) as error:
        print(f"dev: {error}", file=sys.stderr)
        return 1
    return 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="./scripts/dev",
        description="Start the whole product on this machine.",
        epilog=f"Set {' or '.join(_NAMED_BY.values())} to use a running emulator. "
        "The logs of started emulators are in .dev/.",
    )
    parser.add_argument(
        "--port",
        type=base_port,
        default=Ports.base,
        metavar="N",
        help="all routes at N (default: %(default)s), services from N+1, the Firestore "
        "emulator at N+10, the fakes at N+11, the Pub/Sub emulator at N+12",
    )
    parser.add_argument(
        "--isolated",
        action="store_true",
        help="one process per service, as in production, with the Functions Framework",
    )
    parser.add_argument(
        "--env-file",
        type=_file,
        default=ROOT / ".env",
        metavar="FILE",
        help="file with settings that the environment does not set (default: .env, if it exists)",
    )
    return parser.parse_args()


def _file(text: str) -> Path:
    path = Path(text)
    if not path.exists():
        raise argparse.ArgumentTypeError(f"file not found: {text}")
    return path


def _interrupt(_number: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt


def _start(processes: Processes, ports: Ports, *, isolated: bool) -> None:
    # Check all ports first. Otherwise some processes would start before the error.
    needed = [] if isolated else [ports.base]
    needed += [ports.fakes, *(ports.of(name) for name in SERVICES)]
    for emulator, port in _emulators(ports).items():
        needed += [] if _named(emulator) else [port]
    for port in needed:
        if not is_free(port):
            raise CannotStartError(
                f"port {port} is in use; stop that process, or choose another port with --port N"
            )
    # The fakes and the services need the addresses of the emulators.
    emulators = _start_emulators(processes, ports)
    push_topic(
        emulators.pubsub,
        services.project(),
        emulators.topic,
        f"{url(ports.of('cleanup'))}/",
    )
    _start_fakes(processes, ports, emulators)
    environment = services.environment(emulators, url(ports.fakes))
    if isolated:
        _start_services(processes, ports, environment)
    else:
        _start_gateway(processes, ports, environment)
    _report(ports, isolated=isolated)


def _emulators(ports: Ports) -> dict[Emulator, int]:
    return {FIRESTORE: ports.firestore, PUBSUB: ports.pubsub}


def _named(emulator: Emulator) -> str | None:
    return os.environ.get(_NAMED_BY[emulator])


def _start_emulators(processes: Processes, ports: Ports) -> services.Emulators:
    """Start the emulators that the environment does not name, in parallel."""
    hosts = {}
    for emulator, port in _emulators(ports).items():
        named = _named(emulator)
        if not named:
            log = emulator.log(port)
            processes.start(f"the {emulator.title} emulator", emulator.command(port), {}, log)
        elif not answers(named):
            variable = _NAMED_BY[emulator]
            raise CannotStartError(
                f"no emulator responds at {named}; check {variable}, or unset it"
            )
        hosts[emulator] = named or f"{HOST}:{port}"
    # Wait after both have started: each Java process needs seconds.
    for emulator, port in _emulators(ports).items():
        named = _named(emulator)
        if not named:
            processes.wait_until_healthy(port)
        title = f"{emulator.title} emulator"
        console.print(f"{title:<19} {hosts[emulator]}{' (already running)' if named else ''}")
    warm_up(hosts[FIRESTORE], services.project())
    emulators = services.Emulators(hosts[FIRESTORE], hosts[PUBSUB])
    # Stacks on one emulator need different topics: each pushes to its own services.
    if _named(PUBSUB):
        return replace(emulators, topic=f"{emulators.topic}-{ports.base}")
    return emulators


def _start_fakes(processes: Processes, ports: Ports, emulators: services.Emulators) -> None:
    command = [
        sys.executable, "-m", "scripts.fakes",
        "--port", str(ports.fakes),
        "--project", services.project(),
        "--pubsub", emulators.pubsub,
        "--topic", emulators.topic,
    ]  # fmt: skip
    processes.start("the fakes", command, {"PYTHONPATH": str(ROOT)})
    processes.wait_until_healthy(ports.fakes, "/health")
    if lacks_model(os.environ):
        model = f"{url(ports.fakes)}/openai/v1 (fake: OPENAI_API_KEY is not set)"
    else:
        model = os.environ.get("OPENAI_BASE_URL") or "OpenAI"
    console.print(f"language model      {model}")
    if lacks_revenuecat(os.environ):
        console.print(
            f"RevenueCat          {url(ports.fakes)}/revenuecat (fake: "
            f"customers '{SUBSCRIBER}...' are entitled)"
        )


def _start_gateway(processes: Processes, ports: Ports, environment: Mapping[str, str]) -> None:
    command = [sys.executable, "-m", "scripts.local.gateway", "--port", str(ports.base)]
    processes.start("the gateway", command, environment)
    processes.wait_until_healthy(ports.base, "/health")


def _start_services(processes: Processes, ports: Ports, environment: Mapping[str, str]) -> None:
    # The platform sets K_SERVICE. Log lines and metrics take the name of the service from it.
    for name in SERVICES:
        command = services.command(name, ports.of(name))
        processes.start(name, command, {**environment, "K_SERVICE": name})
    for name in SERVICES:
        processes.wait_until_healthy(ports.of(name), "/health")


def _report(ports: Ports, *, isolated: bool) -> None:
    if not isolated:
        console.print(f"all routes          [bold]{url(ports.base)}[/]")
    for name in SERVICES:
        console.print(f"{name:<19} {url(ports.of(name))}")
    if isolated:
        addresses = " ".join(f"{name}={url(ports.of(name))}" for name in CALLED_BY_APPS)
    else:
        addresses = "" if ports.base == Ports.base else url(ports.base)
    # Without the gateway, each function describes its own routes only.
    described = ports.of("users") if isolated else ports.base
    console.print(f"OpenAPI             {url(described)}/openapi.json")
    token = ""
    if not os.environ.get("WEB_AUTH_KEY"):
        console.print(f"purchase token      Web {WEB_KEY}")
        token = f"--purchase-token 'Web {WEB_KEY}' "
    console.print(f"try it              ./scripts/journey {token}{addresses}".rstrip())
    chat = ports.of("chat") if isolated else ports.base
    where = "" if chat == Ports.base else f" {url(chat)}"
    console.print(f"coach               ./scripts/chat{where}")
    moved = "" if ports.base == Ports.base else f" --port {ports.base}"
    console.print(f"clean up            ./scripts/cleanup run{moved}")
    console.print("[bold green]ready[/] (Ctrl-C stops everything)")


if __name__ == "__main__":
    sys.exit(main())
