"""The lines that `./scripts/dev` prints."""

from collections.abc import Mapping
from pathlib import Path

from rich.console import Console

from scripts.fakes.revenuecat import SUBSCRIBER
from scripts.fakes.settings import WEB_KEY, lacks_model, lacks_revenuecat
from scripts.local.ports import CALLED_BY_APPS, SERVICES, Ports, url
from scripts.root import ROOT


class Summary:
    """Prints the addresses of a stack and the commands to try.

    Args:
        console: receives the lines.
        ports: the ports of the stack.
        environment: decides which fakes the services call.
        isolated: whether each service has its own process.
    """

    def __init__(
        self, console: Console, ports: Ports, environment: Mapping[str, str], *, isolated: bool
    ) -> None:
        self._console = console
        self._ports = ports
        self._environment = environment
        self._is_isolated = isolated

    def show(self, title: str, address: str) -> None:
        """Print one line."""
        self._console.print(f"{title:<19} {address}")

    def show_fakes(self) -> None:
        """Print what replaces third parties."""
        fakes = url(self._ports.fakes)
        if lacks_model(self._environment):
            model = f"{fakes}/openai/v1 (fake: OPENAI_API_KEY is not set)"
        else:
            model = self._environment.get("OPENAI_BASE_URL") or "OpenAI"
        self.show("language model", model)
        if lacks_revenuecat(self._environment):
            entitled = f"(fake: customers '{SUBSCRIBER}...' are entitled)"
            self.show("RevenueCat", f"{fakes}/revenuecat {entitled}")

    def show_backups(self, services: Mapping[str, str]) -> None:
        """Print the place of backups. `services` has the variables that the stack adds."""
        environment = {**self._environment, **services}
        bucket = environment.get("BACKUP_BUCKET")
        if bucket:
            self.show("backups", f"gs://{bucket}")
            return
        folder = Path(environment["BACKUP_FOLDER"])
        shown = folder.relative_to(ROOT) if folder.is_relative_to(ROOT) else folder
        self.show("backups", str(shown))

    def show_services(self) -> None:
        """Print the address of each service, the commands to try, and `ready`."""
        ports = self._ports
        if not self._is_isolated:
            self.show("all routes", f"[bold]{url(ports.base)}[/]")
        for name in SERVICES:
            self.show(name, url(ports.of(name)))
        # Without the gateway, each function describes its own routes only.
        described = ports.of("users") if self._is_isolated else ports.base
        self.show("OpenAPI", f"{url(described)}/openapi.json")
        if not self._environment.get("API_KEYS"):
            self.show("API key", f"{WEB_KEY} (header X-API-Key, as the app's debug build sends it)")
        self._show_commands()
        self._console.print("[bold green]ready[/] (Ctrl-C stops everything)")

    def _show_commands(self) -> None:
        ports, moved = self._ports, self._ports.base != Ports.base
        if not self._environment.get("WEB_AUTH_KEY"):
            self.show("purchase token", f"Web {WEB_KEY}")
        if self._is_isolated:
            names = (*CALLED_BY_APPS, "chat")
            addresses = " ".join(f"{name}={url(ports.of(name))}" for name in names)
        else:
            addresses = url(ports.base) if moved else ""
        # At the default address, the journey uses the key of the debug build by itself.
        has_own_key = not addresses or self._environment.get("API_KEYS")
        key = "" if has_own_key else f"--api-key {WEB_KEY} "
        self.show("try it", f"./scripts/journey {key}{addresses}".rstrip())
        chat = ports.of("chat") if self._is_isolated else ports.base
        where = "" if chat == Ports.base else f" {url(chat)}"
        self.show("coach", f"./scripts/chat{where}")
        port = f" --port {ports.base}" if moved else ""
        self.show("clean up", f"./scripts/cleanup run{port}")
