"""Looking on while a new revision has a share of the traffic."""

import time
from collections.abc import Mapping
from datetime import UTC, datetime

from scripts.cloud.command import RefusedError
from scripts.release.counts import RevisionCounts, UnknownCountsError, counts
from scripts.release.delivery import Delivery
from scripts.release.gate import Counts, Decision, Verdict, judge
from scripts.release.release import Service


class Watch:
    """The canary of some services, judged by all that has happened since it began.

    Cloud Monitoring knows of a request two or three minutes later. A step of five minutes therefore
    sees what was answered in its first half; the rest is seen in the next step, which counts from
    the beginning of the canary, too.
    """

    def __init__(
        self, delivery: Delivery, services: Mapping[str, Service], began_at: datetime
    ) -> None:
        self._delivery = delivery
        self._services = services
        self._began_at = began_at

    def look_on(self, percent: int) -> None:
        """Return when the step is over and every revision may go on.

        Raises:
            RefusedError: one may not, or Cloud Monitoring has not told for as long again as a step.
            FailedCallError: there is no access token.
        """
        options, say = self._delivery.options, self._delivery.say
        token = self._delivery.calls.read("gcloud", "auth", "print-access-token", if_dry="").strip()
        if self._delivery.calls.is_dry:
            say(f"  (watched for {options.step_s:g} s, each {options.look_each_s:g} s)")
            return
        began = time.monotonic()
        with self._delivery.console.status(f"{percent} % of the traffic") as status:
            while True:
                passed = time.monotonic() - began
                line = f"{percent} % of the traffic, after {passed:.0f} of {options.step_s:g} s: "
                is_last = passed >= options.step_s
                try:
                    line += self._look(token, is_last=is_last)
                except UnknownCountsError as error:
                    line += f"Cloud Monitoring does not answer ({error})"
                    if passed >= 2 * options.step_s:
                        raise RefusedError(f"nobody knows how it goes: {line}") from None
                    is_last = False
                status.update(line)
                if not self._delivery.console.is_terminal or is_last:
                    say(line)
                if is_last:
                    return
                left = options.step_s - passed
                time.sleep(min(options.look_each_s, left) if left > 0 else options.look_each_s)

    def _look(self, token: str, *, is_last: bool) -> str:
        """Return what there is to see.

        Raises:
            RefusedError: a revision is returned.
            UnknownCountsError: there is nothing to see.
        """
        project = self._delivery.environment.project
        found = counts(project, token, self._services, self._began_at, datetime.now(UTC))
        verdicts = {
            name: _judge(found, name, service, is_last=is_last)
            for name, service in self._services.items()
        }
        for name, verdict in verdicts.items():
            if verdict.decision is Decision.RETURN:
                raise RefusedError(f"{name}: {verdict.reason}")
        return "; ".join(f"{name} {verdict.reason}" for name, verdict in verdicts.items())


def _judge(found: RevisionCounts, name: str, service: Service, *, is_last: bool) -> Verdict:
    new = found.get((name, service.new), Counts())
    old = found.get((name, str(service.old)), Counts())
    return judge(new, old, is_last_look=is_last)
