"""Line: one subscriber at work: its target, and how many are sending to it."""

import threading
from dataclasses import dataclass, field

from reactions.backoff import TargetBreaker
from reactions.reaction import Reaction
from reactions.target import Answer, Attempt, Target
from store.subscriptions import ON, Subscription

FEWEST_CLAIMED, MOST_CLAIMED = 50, 400
"""What a sender claims at once: as many as are sent in about `CLAIM_S`, within these bounds."""
CLAIM_S = 0.5
RECORD_S = 60.0
"""Seconds between two records of how a target does, unless that has changed."""


@dataclass
class Line:
    """A subscriber and its target in this process. Threads may share it."""

    reaction: Reaction
    target: Target
    breaker: TargetBreaker = field(default_factory=TargetBreaker)
    is_on: bool = False
    """Whether it is neither paused nor off."""
    claim_size: int = FEWEST_CLAIMED
    """How many to claim next."""
    _latest: Attempt | None = None
    _recorded: Answer | None = None
    _recorded_at: float = 0.0
    _known: Subscription | None = None
    _sending: int = 0
    _again: bool = False
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def read(self, subscription: Subscription | None) -> None:
        """Learn, with each turn, how the database knows it.

        Where `reactions retry` or `resume` have ended its failures, its target rests no longer.
        """
        is_on = subscription is not None and subscription.state == ON
        with self._lock:
            is_asked_for = (is_on and not self.is_on) or _are_failures_ended(self._known, subscription)
            self.is_on, self._known = is_on, subscription
            if is_asked_for:
                self._recorded = None  # the next failure is recorded at once, so that it can be ended as well
        if is_asked_for:
            self.breaker.end_rest()

    def wants_sender(self, due: int) -> bool:
        """Whether one more should begin to send; those who send now look again before they end."""
        if not self.is_on or not due or self.breaker.is_waiting():
            return False
        with self._lock:
            self._again = True
            most = 1 if self.breaker.is_open else self.reaction.concurrency
            return self._sending < min(most, -(-due // FEWEST_CLAIMED))

    def enter(self) -> bool:
        """Start sending, if a place is free."""
        with self._lock:
            is_free = self._sending < self.reaction.concurrency
            self._sending += is_free
            return is_free

    def leave(self) -> None:
        """Stop sending."""
        with self._lock:
            self._sending -= 1

    def goes_on(self) -> bool:
        """Whether to look again after an empty claim, since more may have become due meanwhile; if not, this leaves."""
        with self._lock:
            again, self._again = self._again, False
            self._sending -= not again
            return again

    def finished(self, number: int, took_s: float) -> None:
        """Learn from a claim how many to claim next."""
        self.claim_size = min(max(int(number / max(took_s, 1e-3) * CLAIM_S), FEWEST_CLAIMED), MOST_CLAIMED)

    def attempted(self, attempt: Attempt) -> None:
        """Learn from an attempt how the target does."""
        with self._lock:
            self._latest = attempt
        if attempt.answer is Answer.ACCEPTED:
            self.breaker.succeeded()
        elif attempt.answer is Answer.FAILED:
            self.breaker.failed(attempt.retry_after_s)
        else:
            self.is_on = False

    def unrecorded(self, now_s: float) -> Attempt | None:
        """The latest attempt, if it is to be recorded: its answer is another, or the last record is old."""
        with self._lock:
            latest = self._latest
            if latest is None or (latest.answer is self._recorded and now_s - self._recorded_at < RECORD_S):
                return None
            self._latest, self._recorded, self._recorded_at = None, latest.answer, now_s
            return latest


def _are_failures_ended(before: Subscription | None, now: Subscription | None) -> bool:
    """Whether they are over without a success: that of another dispatcher does not end a rest that this one keeps."""
    if before is None or now is None or before.failing_since is None:
        return False
    return now.failing_since != before.failing_since and now.succeeded_at == before.succeeded_at
