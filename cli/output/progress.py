"""Progress of long work: a bar, interruption between two parts, and a rate limit."""

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
"""Items in one portion: a transaction of that many is short."""
PORTIONS_PER_S = 4
LINE_EVERY_S = 10.0
"""Without a terminal for a bar, a line on standard error."""
_CHECK_EVERY_S = 0.1


def columns(*, elapsed: bool = False) -> tuple[ProgressColumn, ...]:
    """The columns of a bar: description, done of total, and the time remaining or elapsed."""
    time_column = TimeElapsedColumn() if elapsed else TimeRemainingColumn()
    return TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), time_column


class Interrupted(Exception):  # noqa: N818 - requested with Ctrl-C, so no error
    """Ends work that cannot look for Ctrl-C itself."""


class UnderWay:
    """Long work, shown with a bar, or without a terminal with a line every `LINE_EVERY_S`.

    Within the block the first Ctrl-C only sets `interrupted`, so that the current part can end; the second raises
    KeyboardInterrupt as usual.
    """

    def __init__(
        self,
        description: str,
        total: int,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._description, self._total, self._clock, self._sleep = description, total, clock, sleep
        self._line_at = clock()
        self._on_interrupt: Any = None
        self.interrupted = False
        self.done = 0
        """Number of finished items."""

    def __enter__(self) -> Self:
        self._on_interrupt = signal.signal(signal.SIGINT, self._interrupt)
        silent = not sys.stderr.isatty() or not self._total
        self._bar = Progress(*columns(), console=Console(stderr=True), transient=True, disable=silent)
        self._task = self._bar.add_task(self._description, total=self._total)
        self._bar.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._bar.stop()
        signal.signal(signal.SIGINT, self._on_interrupt)

    def advance(self, number: int) -> None:
        """Count this many more items as done."""
        self.done += number
        self._bar.update(self._task, completed=self.done)
        if self._bar.disable and self._clock() - self._line_at >= LINE_EVERY_S:
            self._line_at = self._clock()
            sys.stderr.write(f"{self._description}: {self.done} of {self._total}\n")

    def advance_or_end(self, number: int) -> None:
        """The same; raises Interrupted after Ctrl-C."""
        self.advance(number)
        if self.interrupted:
            raise Interrupted

    def pause(self, seconds: float) -> None:
        """Sleep that long, or until an interruption."""
        until = self._clock() + seconds
        while not self.interrupted and (left := until - self._clock()) > 0:
            self._sleep(min(left, _CHECK_EVERY_S))

    def _interrupt(self, _number: int, _frame: FrameType | None) -> None:
        self.interrupted = True
        signal.signal(signal.SIGINT, self._on_interrupt)


class Portions(UnderWay, Generic[T]):
    """Items in portions, at most `rate` items a second. Lost time is not made up for, so there is never a burst.

    Ctrl-C ends the iteration after the current portion.
    """

    def __init__(
        self,
        items: Sequence[T],
        description: str,
        rate: float | None = None,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        super().__init__(description, len(items), clock, sleep)
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
