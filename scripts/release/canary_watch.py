"""Checks new revisions at intervals while they have a part of the traffic."""

import time
from collections.abc import Mapping
from datetime import UTC, datetime

from scripts.cloud.command import RefusedError
from scripts.release.context import ReleaseContext
from scripts.release.gate import Decision, GateResult, RequestCounts, judge
from scripts.release.release import Service
from scripts.release.request_counts import (
    CountsByRevision,
    CountsUnavailableError,
    count_requests,
)


class CanaryWatch:
    """Watches the canary of some services.

    Cloud Monitoring counts a request two or three minutes late. A step of five minutes therefore
    sees the requests of its first half. The next step sees the rest, because every check counts
    from the start of the canary.
    """

    def __init__(
        self, context: ReleaseContext, services: Mapping[str, Service], began_at: datetime
    ) -> None:
        self._context = context
        self._services = services
        self._began_at = began_at

    def watch_step(self, percent: int) -> None:
        """Return when the step is over and no revision has failed.

        Raises:
            RefusedError: a revision failed, or Cloud Monitoring returned no counts until twice the
                length of a step.
            CommandFailedError: gcloud returned no access token.
        """
        options, context = self._context.options, self._context
        # A new token for each step: one expires after an hour.
        token = context.runner.read("gcloud", "auth", "print-access-token", if_dry="").strip()
        if context.runner.is_dry:
            context.print(
                f"  (watch for {options.step_s:g} s, check each {options.check_interval_s:g} s)"
            )
            return
        began = time.monotonic()
        with context.console.status(f"{percent} % of the traffic") as status:
            while True:
                passed = time.monotonic() - began
                line = f"{percent} % of the traffic, {passed:.0f} of {options.step_s:g} s: "
                is_final = passed >= options.step_s
                try:
                    line += self._check(token, is_final=is_final)
                except CountsUnavailableError as error:
                    line += f"Cloud Monitoring unavailable ({error})"
                    if passed >= 2 * options.step_s:
                        raise RefusedError(f"no request counts: {line}") from None
                    is_final = False
                status.update(line)
                # A log without a terminal keeps every check; a terminal shows only the last.
                if not context.console.is_terminal or is_final:
                    context.print(line)
                if is_final:
                    return
                left = options.step_s - passed
                time.sleep(
                    min(options.check_interval_s, left) if left > 0 else options.check_interval_s
                )

    def _check(self, token: str, *, is_final: bool) -> str:
        """Return the counts as a text.

        Raises:
            RefusedError: a revision failed.
            CountsUnavailableError: there are no counts.
        """
        project = self._context.environment.project
        counts = count_requests(project, token, self._services, self._began_at, datetime.now(UTC))
        results = {
            name: _judge(counts, name, service, is_final=is_final)
            for name, service in self._services.items()
        }
        for name, result in results.items():
            if result.decision is Decision.ROLL_BACK:
                raise RefusedError(f"{name}: {result.reason}")
        return "; ".join(f"{name} {result.reason}" for name, result in results.items())


def _judge(counts: CountsByRevision, name: str, service: Service, *, is_final: bool) -> GateResult:
    new = counts.get((name, service.new), RequestCounts())
    old = counts.get((name, str(service.old)), RequestCounts())
    return judge(new, old, is_final=is_final)
