"""Ending: a process that is told to end drains within a bound, and is gone at once when it is told again.

Being gone at once is always safe: what was answered is in the ledger, and what was not is told again by the gateway.
"""

import logging
import os
import signal
import threading
from collections.abc import Callable
from types import FrameType

BOUND_S = 20.0
"""Longer than any drain takes when servers answer; stop grace has to be longer still."""

log = logging.getLogger("seven.ending")


def end_in_bounds(at_first: Callable[[], None] = lambda: None, bound_s: float = BOUND_S) -> None:
    """Stand before the SIGTERM and SIGINT handling that is there now. Call it in the main thread, once that is there.

    The first signal calls `at_first` and what was there; the second, or `bound_s` after the first, ends the process.
    """
    told: list[int] = []

    def stand_before(number: signal.Signals) -> None:
        before = signal.getsignal(number)

        def heed(got: int, frame: FrameType | None) -> None:
            told.append(got)
            if len(told) > 1:
                _end("told twice", got)
            timer = threading.Timer(bound_s, _end, ("did not drain in time", got))
            timer.daemon = True
            timer.start()
            at_first()
            if callable(before):
                before(got, frame)
            signal.signal(number, heed)  # some handling puts itself in our place

        signal.signal(number, heed)

    stand_before(signal.SIGTERM)
    stand_before(signal.SIGINT)


def _end(why: str, number: int) -> None:
    log.warning("ended at once: %s", why)
    os._exit(128 + number)
