"""Upkeep: what a dispatcher does once a minute: drops what waited for too long, and sees whose failures are over."""

import time
from collections import Counter
from collections.abc import Callable, Iterable
from functools import partial

from reactions.metrics import ReactionMetrics
from runtime.logs import logger
from store import notifications, subscriptions
from store.notifications import ROWS_AT_ONCE
from store.outbox import Outbox
from store.subscriptions import Subscription
from store.timed_transactions import transact

log = logger("seven.reactions")

EVERY_S = 60.0


class Upkeep:
    """Keeps notifications and subscriptions in order. Methods raise StoreAway."""

    def __init__(self, outbox: Outbox, metrics: ReactionMetrics, clock: Callable[[], float] = time.monotonic) -> None:
        self._outbox, self._metrics, self._clock = outbox, metrics, clock
        self._due_s = clock()

    def run(self, known: Iterable[Subscription]) -> None:
        """Do what is due, for these subscribers."""
        if self._clock() < self._due_s:
            return
        self._due_s = self._clock() + EVERY_S
        self._expire()
        self._end_failures([each.name for each in known if each.failing_since and each.state == subscriptions.ON])

    def _expire(self) -> None:
        expired, expire = Counter[str](), partial(notifications.expire, at_most=ROWS_AT_ONCE)
        try:
            while portion := self._outbox.transact(expire):
                expired += portion
        finally:
            for name, number in expired.items():
                log.error("changes expired: they could not be sent for three days", reaction=name, changes=number)
                self._metrics.settled(name, "expired", number)
        remove = partial(notifications.remove_settled, at_most=ROWS_AT_ONCE)
        while self._outbox.transact(remove) == ROWS_AT_ONCE:
            pass

    def _end_failures(self, failing: Iterable[str]) -> None:
        """Of what failed nothing may wait any more: it was replaced or dropped. A later failure is then a first one."""
        for name in failing:
            if not self._outbox.transact(partial(notifications.has_failed, reaction=name), reads=True):
                transact(self._outbox.engine, partial(subscriptions.end_failures, name=name))
