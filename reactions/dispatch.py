"""Dispatch: hands out what changed, and sends it to the subscribers, each at its own pace.

A turn hands out what is new, in portions, and after each of them requests a sender for each subscriber with something
due; a sender claims some, sends them one after the other, and settles them together. After a kill between
sending and settling those are sent again.
"""

import time
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from functools import partial

from sqlalchemy import Connection

from reactions.backoff import pause
from reactions.bodies import Bodies, Body
from reactions.line import FEWEST_CLAIMED, Line
from reactions.metrics import ReactionMetrics
from reactions.target import Answer, Attempt
from reactions.upkeep import Upkeep
from runtime.logs import logger
from runtime.traces import OFF, Attributes, Step, Traces
from store import notifications, subscriptions
from store.notifications import ClaimedNotification
from store.outbox import Outbox, Subscriber
from store.settlements import Fate, Settlement, settle
from store.subscriptions import Subscription
from store.timed_transactions import transact

log = logger("seven.reactions")

SENDS_FOR_S = 10.0
"""After this time a sender makes room for a new one: Celery counts tasks, and ends after the current ones."""
SETTLES_AFTER_S = 1.0
"""After this time what was sent is settled, once the next attempt is over: that much is sent again after a kill."""
LONGEST_CLAIM_S = 2.0
"""After this time no more of a claim is begun: the rest is for others, where a target has become slow."""
SETTLED_WITHIN_S = 5.0
"""What is left of a lease when the last attempt ends."""


class Dispatch:
    """Sends changes to subscribers. Threads may share it; methods raise StoreAway."""

    def __init__(
        self,
        outbox: Outbox,
        lines: Iterable[Line],
        bodies: Bodies,
        metrics: ReactionMetrics,
        request_sender: Callable[[str], object],
        *,
        clock: Callable[[], float] = time.monotonic,
        traces: Traces = OFF,
    ) -> None:
        """`request_sender` has `send` called for a subscriber, soon and in any process that dispatches."""
        self._outbox, self._bodies, self._metrics, self._clock = outbox, bodies, metrics, clock
        self._lines: Mapping[str, Line] = {line.reaction.name: line for line in lines}
        self._request_sender, self._traces = request_sender, traces
        self._upkeep = Upkeep(outbox, metrics, clock)
        self._is_registered = self._is_outdated = self._stopped = False

    def _register(self) -> None:
        """Make the reactions of this process the subscribers; what waits for others is dropped."""
        topics = {name: line.reaction.topics for name, line in self._lines.items()}
        engine = self._outbox.engine
        for name in transact(engine, lambda connection, now: subscriptions.register(connection, now, topics)):
            log.warning("a reaction is no longer in the file", reaction=name)
        for each in self._read():
            if each.state == subscriptions.OFF:  # also what an earlier start has left
                notifications.skip_all(self._outbox, each.name)
        self._is_registered = True

    def turn(self) -> None:
        """Hand out what is new, a portion at a time, and have what is due sent after each."""
        if not self._is_registered:
            self._register()
        while self._hand_out_portion() and not self._stopped:
            pass

    def _hand_out_portion(self) -> bool:
        """Hand out some of what is new, and request senders; whether more may wait."""
        self._record()
        known = self._known()
        handed_out = self._outbox.fan_out(self._subscribers)
        self._metrics.handed_out(handed_out)
        self._upkeep.run(known.values())
        for name, line in self._lines.items():
            line.read(known.get(name))
        for name, due in self._outbox.transact(self._count_due, reads=True).items():
            if self._lines[name].wants_sender(due):
                self._request_sender(name)
        return handed_out.is_full

    def send(self, name: str) -> None:
        """Send what is due for a subscriber, unless enough others do."""
        line = self._lines.get(name)
        if line is None or not line.is_on or not line.enter():
            return
        ends_at, has_left = self._clock() + SENDS_FOR_S, False
        try:
            while line.is_on and not self._stopped and not line.breaker.is_waiting():
                if self._clock() > ends_at:
                    self._request_sender(name)
                    break
                if not self._send_some(line) and not line.goes_on():
                    has_left = True
                    break
        finally:
            if not has_left:
                line.leave()

    def stop(self) -> None:
        """Let senders end after what they are sending."""
        self._stopped = True

    def close(self) -> None:
        """Close targets and outbox."""
        for line in self._lines.values():
            line.target.close()
        self._outbox.close()

    def _record(self) -> None:
        """Write how targets do. Not where they are sent to: SQLite's writers may have to wait."""
        engine = self._outbox.engine
        for name, line in self._lines.items():
            attempt = line.unrecorded(self._clock())
            if attempt is None:
                continue
            if attempt.is_accepted:
                transact(engine, partial(subscriptions.record_success, name=name))
            elif attempt.answer is Answer.FAILED:
                transact(engine, partial(subscriptions.record_failure, name=name, reason=attempt.reason))
            else:
                transact(engine, partial(subscriptions.pause, name=name, reason="its target answers 410, gone"))

    def _known(self) -> dict[str, Subscription]:
        """The subscriptions of this process; begins those that are due."""
        known = self._own()
        if any(each.is_starting for each in known.values()):
            begin = partial(transact, self._outbox.engine, subscriptions.begin)
            nobody: list[str] = []
            for name in self._outbox.alone(begin, nobody):
                log.info("a reaction begins", reaction=name)
            known = self._own()
        return known

    def _own(self) -> dict[str, Subscription]:
        return {each.name: each for each in self._read() if each.name in self._lines}

    def _read(self) -> list[Subscription]:
        return transact(
            self._outbox.engine, lambda connection, _: subscriptions.read_subscriptions(connection), reads=True
        )

    def _subscribers(self) -> list[Subscriber] | None:
        """The subscribers that get changes. None where another process has more: what is for those would be lost."""
        begun = {each.name: each for each in self._read() if each.begun_topics}
        unknown = ", ".join(sorted(begun.keys() - self._lines.keys()))
        if unknown and not self._is_outdated:
            log.error("nothing is handed out here: another dispatcher has a newer file of reactions", reaction=unknown)
        self._is_outdated = bool(unknown)
        if unknown:
            return None
        ages = {name: timedelta(seconds=line.reaction.max_age_s) for name, line in self._lines.items()}
        return [
            Subscriber(name, each.begun_topics, each.since, ages[name])
            for name, each in begun.items()
            if each.since is not None
        ]

    def _count_due(self, connection: Connection, now: datetime) -> dict[str, int]:
        """What is due for those that are sent to now, as far as it decides how many senders they want."""
        return {
            name: notifications.count_due(connection, now, name, line.reaction.concurrency * FEWEST_CLAIMED)
            for name, line in self._lines.items()
            if line.is_on and not line.breaker.is_waiting()
        }

    def _send_some(self, line: Line) -> bool:
        """Send some of what is due; whether there was any."""
        reaction = line.reaction
        lease_s = 2 * reaction.timeout_s + 10
        at_most = 1 if line.breaker.is_open else line.claim_size
        lease = timedelta(seconds=lease_s)
        take = partial(notifications.claim, reaction=reaction.name, at_most=at_most, lease=lease)
        last_start = self._clock() + lease_s - reaction.timeout_s - SETTLED_WITHIN_S
        claims = self._outbox.transact(take)
        if not claims:
            return False
        settlements: list[Settlement] = []
        began_at, settled_at, tried = self._clock(), self._clock(), 0
        try:
            bodies = self._bodies.read(claims, reaction)  # which takes a busy database long
            last_start = min(last_start, self._clock() + LONGEST_CLAIM_S)
            for claim, body in zip(claims, bodies, strict=True):
                is_time = self._clock() < last_start and line.is_on and not self._stopped
                settlements.append(self._send_one(line, claim, body) if is_time else Settlement(claim, Fate.RETURNED))
                tried += settlements[-1].fate is not Fate.RETURNED
                if self._clock() - settled_at > SETTLES_AFTER_S:
                    self._settle(settlements)
                    settlements, settled_at = [], self._clock()
        finally:
            self._settle(settlements)
        line.finished(tried, self._clock() - began_at)
        return True

    def _send_one(self, line: Line, claim: ClaimedNotification, body: Body | Fate) -> Settlement:
        if isinstance(body, Fate):
            return Settlement(claim, body)
        if not line.breaker.permits():
            return Settlement(claim, Fate.RETURNED)
        began = self._clock()
        attempt = line.target.send(body.id, body.content)
        ended = self._clock()
        self._metrics.attempted(claim, attempt, ended - began)
        self._trace(claim, attempt, began, ended)
        line.attempted(attempt)
        if attempt.is_accepted:
            return Settlement(claim, Fate.SENT)
        log.warning("a change was not accepted", reaction=line.reaction.name, cause=attempt.reason)
        if attempt.answer is Answer.GONE:
            return Settlement(claim, Fate.RETURNED)
        return Settlement(claim, Fate.FAILED, attempt.reason, pause(claim.attempts + 1, attempt.retry_after_s))

    def _trace(self, claim: ClaimedNotification, attempt: Attempt, began: float, ended: float) -> None:
        """Record an attempt in the trace of the delivery that brought the change."""
        if claim.delivery_id and (trace := self._traces.of(claim.delivery_id)):
            attributes: Attributes = {
                "seven.reaction": claim.reaction,
                "seven.topic": claim.topic,
                "seven.attempt": claim.attempts + 1,
            }
            error = None if attempt.is_accepted else attempt.reason or attempt.answer.value
            self._traces.record(trace, Step("react", began, ended, error, attributes=attributes))

    def _settle(self, settlements: Sequence[Settlement]) -> None:
        if settlements:
            self._outbox.transact(lambda connection, now: settle(connection, now, settlements))
            for (name, fate), number in Counter((each.claim.reaction, each.fate) for each in settlements).items():
                self._metrics.settled(name, fate.value, number)
