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
AT_MOST_S, REST_S = 0.5, 1.0
"""How long it may keep a turn from handing out, and for how long it rests where more is to be done."""


class Upkeep:
    """Keeps notifications and subscriptions in order. Methods raise StoreAway."""

    def __init__(self, outbox: Outbox, metrics: ReactionMetrics, clock: Callable[[], float] = time.monotonic) -> None:
        self._outbox, self._metrics, self._clock = outbox, metrics, clock
        self._due_s = clock()

    def run(self, known: Iterable[Subscription]) -> None:
        """Do what is due, for these subscribers; where it is much, a part of it."""
        if self._clock() < self._due_s:
            return
        ends_s = self._clock() + AT_MOST_S
        is_done = self._expire(ends_s) and self._remove(ends_s)
        self._due_s = self._clock() + (EVERY_S if is_done else REST_S)
        if is_done:
            failing = (each.name for each in known if each.failing_since and each.state == subscriptions.ON)
            self._end_failures(failing)

    def _expire(self, ends_s: float) -> bool:
        """Drop what has waited for too long; whether that is all of it."""
        expired, expire = Counter[str](), partial(notifications.expire, at_most=ROWS_AT_ONCE)
        try:
            while portion := self._outbox.transact(expire):
                expired += portion
                if self._clock() >= ends_s:
                    return False
        finally:
            for name, number in expired.items():
                log.error("changes expired: they could not be sent for three days", reaction=name, changes=number)
                self._metrics.settled(name, "expired", number)
        return True

    def _remove(self, ends_s: float) -> bool:
        """Remove what was settled long ago; whether that is all of it."""
        remove = partial(notifications.remove_settled, at_most=ROWS_AT_ONCE)
        while self._outbox.transact(remove) == ROWS_AT_ONCE:
            if self._clock() >= ends_s:
                return False
        return True

    def _end_failures(self, failing: Iterable[str]) -> None:
        """Of what failed nothing may wait any more: it was replaced or dropped. A later failure is then a first one."""
        for name in failing:
            if not self._outbox.transact(partial(notifications.has_failed, reaction=name), reads=True):
                transact(self._outbox.engine, partial(subscriptions.end_failures, name=name))
