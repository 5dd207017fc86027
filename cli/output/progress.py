"""Progress: something long is shown with a bar, and ends between two of its parts, not faster than asked."""

import signal
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from types import FrameType, TracebackType
from typing import Any, Generic, Self, TypeVar

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

T = TypeVar("T")

MOST = 100
"""In one portion: a transaction of so many is short."""
PORTIONS_PER_S = 4
LINE_EVERY_S = 10.0
"""Where there is no terminal for a bar, on standard error."""
_GLANCE_S = 0.1


def columns(*, elapsed: bool = False) -> tuple[ProgressColumn, ...]:
    """What a bar shows: of what how many of how many, and the time that is left, or that has gone by."""
    its_time = TimeElapsedColumn() if elapsed else TimeRemainingColumn()
    return TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), its_time


class UnderWay:
    """Something long that goes on: shown with a bar, or where there is no terminal now and then with a line.

    Within its block the first Ctrl-C only sets `interrupted`, so that a part under way can end; the second ends at
    once, as always.
    """

    def __init__(
        self,
        what: str,
        total: int,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._what, self._total, self._clock, self._sleep = what, total, clock, sleep
        self._line_at = clock()
        self._on_interrupt: Any = None
        self.interrupted = False
        self.done = 0
        """Of the parts that have ended."""

    def __enter__(self) -> Self:
        self._on_interrupt = signal.signal(signal.SIGINT, self._interrupt)
        silent = not sys.stderr.isatty() or not self._total
        self._bar = Progress(*columns(), console=Console(stderr=True), transient=True, disable=silent)
        self._task = self._bar.add_task(self._what, total=self._total)
        self._bar.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._bar.stop()
        signal.signal(signal.SIGINT, self._on_interrupt)

    def advance(self, number: int) -> None:
        """So many more are done."""
        self.done += number
        self._bar.update(self._task, completed=self.done)
        if self._bar.disable and self._clock() - self._line_at >= LINE_EVERY_S:
            self._line_at = self._clock()
            sys.stderr.write(f"{self._what}: {self.done} of {self._total}\n")

    def pause(self, seconds: float) -> None:
        """Wait so long, or until somebody interrupts."""
        until = self._clock() + seconds
        while not self.interrupted and (left := until - self._clock()) > 0:
            self._sleep(min(left, _GLANCE_S))

    def _interrupt(self, _number: int, _frame: FrameType | None) -> None:
        self.interrupted = True
        signal.signal(signal.SIGINT, self._on_interrupt)


class Portions(UnderWay, Generic[T]):
    """Items in portions, at most `rate` of them a second. Time lost is not made up for: there is never a burst.

    Ctrl-C ends the portions, not the one under way.
    """

    def __init__(
        self,
        items: Sequence[T],
        what: str,
        rate: float | None = None,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        super().__init__(what, len(items), clock, sleep)
        self._items, self._rate = items, rate
        self._size = MOST if rate is None else max(1, min(MOST, int(rate / PORTIONS_PER_S)))

    def __iter__(self) -> Iterator[Sequence[T]]:
        next_at = self._clock()
        for start in range(0, len(self._items), self._size):
            self.pause(next_at - self._clock())
            if self.interrupted:
                return
            portion = self._items[start : start + self._size]
            if self._rate is not None:
                next_at = self._clock() + len(portion) / self._rate
            yield portion
            self.advance(len(portion))
