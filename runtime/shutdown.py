"""Shutdown: graceful, with a deadline; a second signal exits immediately.

An immediate exit is always safe: answered deliveries are in the ledger, and the gateway repeats the others.
"""

import os
import signal
import threading
import time
from collections.abc import Callable
from functools import partial
from types import FrameType

from runtime.logs import logger

DRAIN_DEADLINE_S = 20.0
"""Longer than any drain while the servers answer. The stop grace period must be longer still."""

ECHO_S = 1.0
"""A second signal within this time is an echo: sent to the process group, and forwarded by the parent as well."""

LAST_LINE_S = 0.5
"""The time to write the last log line; a pipe without a reader may block it."""

log = logger("seven.shutdown")


def install_signal_handlers(
    on_first_signal: Callable[[], None] = lambda: None,
    deadline_s: float = DRAIN_DEADLINE_S,
    later: Callable[[Callable[[], None]], object] = lambda end: end(),
) -> None:
    """Wrap the installed handlers of SIGTERM and SIGINT. Call it in the main thread, after they are installed.

    The first signal calls `on_first_signal` and, when `later` calls it, the wrapped handler. A second signal or the
    deadline exits at once.
    """
    first_signal_at: list[float] = []

    def wrap(number: signal.Signals) -> None:
        wrapped = signal.getsignal(number)

        def end(received: int, frame: FrameType | None) -> None:
            if callable(wrapped):
                wrapped(received, frame)
            signal.signal(number, handle)  # the wrapped handler may replace this one

        def handle(received: int, frame: FrameType | None) -> None:
            now = time.monotonic()
            if not first_signal_at:
                first_signal_at.append(now)
                _after(deadline_s, lambda: exit_now("did not drain in time", 128 + received))
                on_first_signal()
                later(partial(end, received, frame))
            elif now - first_signal_at[0] >= ECHO_S:
                exit_now("second signal", 128 + received)

        signal.signal(number, handle)

    wrap(signal.SIGTERM)
    wrap(signal.SIGINT)


def exit_now(reason: str, code: int) -> None:
    """End this process immediately, even if its log cannot be written."""
    _after(LAST_LINE_S, lambda: os._exit(code))
    log.critical("exit without draining", reason=reason)
    os._exit(code)


def _after(seconds: float, action: Callable[[], None]) -> None:
    timer = threading.Timer(seconds, action)
    timer.daemon = True
    timer.start()
