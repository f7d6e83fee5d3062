"""`./scripts/dev`: start the whole product on this machine."""

import argparse
import os
import signal
import sys
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from types import FrameType

from dotenv import load_dotenv
from rich.console import Console

from scripts.local import options, services
from scripts.local.database_file import find_file
from scripts.local.emulator import NotInstalledError, WarmUpError
from scripts.local.interruptions import ENDING
from scripts.local.own_emulators import OwnEmulators
from scripts.local.ports import SERVICES, Ports, is_free, url
from scripts.local.processes import Processes, ProgramEndedError
from scripts.local.storage import CannotStartError, Storage, keep_only
from scripts.local.summary import Summary
from scripts.root import ROOT

console = Console(highlight=False, soft_wrap=True)


def main() -> int:
    """Run the stack until Ctrl-C or SIGTERM; return the exit status."""
    chosen = options.parse()
    # Variables of the environment win over the file.
    load_dotenv(chosen.env_file)
    for number in ENDING:
        # Set SIGINT too: a shell ignores it for a process that it starts in the background.
        signal.signal(number, _interrupt)
    try:
        with Processes() as processes:
            try:
                _run(processes, chosen)
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


def _interrupt(_number: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt


def _run(processes: Processes, chosen: argparse.Namespace) -> None:
    ports = Ports(chosen.port)
    storage = _storage(chosen, ports)
    # Check all ports first. Otherwise some processes would start before the error.
    gateway = [] if chosen.isolated else [ports.base]
    own = [ports.fakes, *(ports.of(name) for name in SERVICES)]
    _require_free([*gateway, *own, *storage.ports])
    keep_only(storage.environment)
    environment = services.environment(storage, url(ports.fakes))
    programs = services.programs(ports, environment, isolated=chosen.isolated)
    summary = Summary(console, ports, os.environ, isolated=chosen.isolated)
    # All side by side: none of the processes needs another one before the first request.
    storage.start(processes)
    _start_fakes(processes, ports, storage)
    for program in programs:
        program.start(processes)
    watch = _reload(processes, programs) if chosen.reload else processes.wait
    for title, address in storage.wait(processes):
        summary.show(title, address)
    summary.show_backups(environment)
    processes.wait_until_healthy(ports.fakes, "/health")
    summary.show_fakes()
    for program in programs:
        program.wait(processes)
    summary.show_services()
    watch()


def _reload(processes: Processes, programs: Sequence[services.Program]) -> Callable[[], None]:
    """Start to watch the code. Return a function that restarts the services after each change."""
    # Imported here: the other start is faster without it.
    from scripts.local.reload import Reloader, changes  # noqa: PLC0415

    return partial(Reloader(processes, programs, console).run, changes())


def _storage(chosen: argparse.Namespace, ports: Ports) -> Storage:
    file = None
    if not chosen.emulators:
        file = find_file(os.environ, ports, folder=chosen.data, fresh=chosen.fresh)
    return file or OwnEmulators(os.environ, ports)


def _require_free(ports: Iterable[int]) -> None:
    for port in ports:
        if not is_free(port):
            raise CannotStartError(
                f"port {port} is in use; stop that process, or choose another port with --port N"
            )


def _start_fakes(processes: Processes, ports: Ports, storage: Storage) -> None:
    command = [
        sys.executable, "-m", "scripts.fakes",
        "--port", str(ports.fakes),
        "--project", services.project(),
        *storage.fakes_options,
    ]  # fmt: skip
    processes.start("the fakes", command, {"PYTHONPATH": str(ROOT), **storage.environment})


if __name__ == "__main__":
    sys.exit(main())
