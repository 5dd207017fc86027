"""Ending: a process that is told to end drains within a bound, and is gone at once when it is told again.

Being gone at once is always safe: what was answered is in the ledger, and what was not is told again by the gateway.
"""

import os
import signal
import threading
import time
from collections.abc import Callable
from types import FrameType

from runtime.logs import logger

BOUND_S = 20.0
"""Longer than any drain takes when servers answer; stop grace has to be longer still."""

TWICE_S = 1.0
"""A second signal sooner than that is an echo: told to a process group, and passed on by the parent as well."""

LAST_WORDS_S = 0.5

log = logger("seven.ending")


def end_in_bounds(at_first: Callable[[], None] = lambda: None, bound_s: float = BOUND_S) -> None:
    """Stand before the SIGTERM and SIGINT handling that is there now. Call it in the main thread, once that is there.

    The first signal calls `at_first` and what was there; another, or `bound_s` after the first, ends the process.
    """
    told_at: list[float] = []

    def stand_before(number: signal.Signals) -> None:
        before = signal.getsignal(number)

        def heed(got: int, frame: FrameType | None) -> None:
            now = time.monotonic()
            if not told_at:
                told_at.append(now)
                _end_after(bound_s, "did not drain in time", got)
                at_first()
                if callable(before):
                    before(got, frame)
                signal.signal(number, heed)  # some handling puts itself in our place
            elif now - told_at[0] >= TWICE_S:
                end_now("told twice", 128 + got)

        signal.signal(number, heed)

    stand_before(signal.SIGTERM)
    stand_before(signal.SIGINT)


def end_now(why: str, code: int) -> None:
    """End this process, whatever it is doing, and though nobody reads what it has to say."""
    _after(LAST_WORDS_S, lambda: os._exit(code))
    log.critical("ended at once", reason=why)
    os._exit(code)


def _end_after(seconds: float, why: str, number: int) -> None:
    _after(seconds, lambda: end_now(why, 128 + number))


def _after(seconds: float, act: Callable[[], None]) -> None:
    timer = threading.Timer(seconds, act)
    timer.daemon = True
    timer.start()
