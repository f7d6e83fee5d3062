"""The emulators of a stack: those that the environment names, and those that it starts."""

from collections.abc import Mapping
from dataclasses import replace

from scripts.local import services
from scripts.local.emulator import FIRESTORE, PUBSUB, answers, warm_up
from scripts.local.ports import HOST, Ports, url
from scripts.local.processes import Processes
from scripts.local.pubsub import push_topic
from scripts.local.storage import FIRESTORE_HOST, PUBSUB_HOST, CannotStartError

_NAMED_BY = {FIRESTORE: FIRESTORE_HOST, PUBSUB: PUBSUB_HOST}


class OwnEmulators:
    """The emulators of the stack on `ports`."""

    def __init__(self, environment: Mapping[str, str], ports: Ports) -> None:
        own = {FIRESTORE: ports.firestore, PUBSUB: ports.pubsub}
        self._named = {each: environment.get(name) for each, name in _NAMED_BY.items()}
        self._started = {each: port for each, port in own.items() if not self._named[each]}
        self._hosts = {each: self._named[each] or f"{HOST}:{port}" for each, port in own.items()}
        self._push_to = f"{url(ports.of('cleanup'))}/"
        self.addresses = services.Emulators(self._hosts[FIRESTORE], self._hosts[PUBSUB])
        # Stacks on one emulator need different topics: each pushes to its own services.
        if self._named[PUBSUB]:
            topic = f"{self.addresses.topic}-{ports.base}"
            self.addresses = replace(self.addresses, topic=topic)

    @property
    def ports(self) -> list[int]:
        """The ports of the emulators that the stack starts."""
        return [*self._started.values()]

    @property
    def environment(self) -> dict[str, str]:
        """The environment variables that point a process to the emulators."""
        return self.addresses.environment

    @property
    def fakes_options(self) -> list[str]:
        """The scheduler publishes to the Pub/Sub emulator, which pushes to the cleanup."""
        return ["--topic", self.addresses.topic, "--pubsub", self.addresses.pubsub]

    def start(self, processes: Processes) -> None:
        """Start the emulators that the environment does not name.

        Raises:
            CannotStartError: a named emulator does not respond.
            NotInstalledError: an emulator or Java is missing.
        """
        for emulator, host in self._named.items():
            if host and not answers(host):
                raise CannotStartError(
                    f"no emulator responds at {host}; check {_NAMED_BY[emulator]}, or unset it"
                )
        for emulator, port in self._started.items():
            log = emulator.log(port)
            processes.start(f"the {emulator.title} emulator", emulator.command(port), {}, log)

    def wait(self, processes: Processes) -> list[tuple[str, str]]:
        """Wait until the emulators respond, and connect the topic; return their addresses."""
        for port in self._started.values():
            processes.wait_until_healthy(port)
        # Also an emulator that the environment names: its first commit may be ours.
        warm_up(self.addresses.firestore, services.project())
        topic = self.addresses.topic
        push_topic(self.addresses.pubsub, services.project(), topic, self._push_to)
        return [
            (f"{each.title} emulator", f"{host}{' (already running)' if self._named[each] else ''}")
            for each, host in self._hosts.items()
        ]
