"""Progress: something long is done in portions, not faster than asked, with a bar, and ends between two of them."""

import signal
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from types import FrameType, TracebackType
from typing import Any, Generic, Self, TypeVar

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

T = TypeVar("T")

MOST = 100
"""In one portion: a transaction of so many is short."""
PORTIONS_PER_S = 4
LINE_EVERY_S = 10.0
"""Where there is no terminal for a bar, on standard error."""
_GLANCE_S = 0.1


class Portions(Generic[T]):
    """Items in portions, at most `rate` of them a second. Time lost is not made up for: there is never a burst.

    Within its block the first Ctrl-C ends the portions, not the one under way; the second ends at once, as always.
    """

    def __init__(
        self,
        items: Sequence[T],
        what: str,
        rate: float | None = None,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._items, self._what, self._rate, self._clock, self._sleep = items, what, rate, clock, sleep
        self._size = MOST if rate is None else max(1, min(MOST, int(rate / PORTIONS_PER_S)))
        self._next_at = self._line_at = clock()
        self._on_interrupt: Any = None
        self.interrupted = False
        self.done = 0
        """Items whose portion has ended."""

    def __enter__(self) -> Self:
        self._on_interrupt = signal.signal(signal.SIGINT, self._interrupt)
        columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
        self._bar = Progress(
            *columns, console=Console(stderr=True), transient=True, disable=not sys.stderr.isatty() or not self._items
        )
        self._task = self._bar.add_task(self._what, total=len(self._items))
        self._bar.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._bar.stop()
        signal.signal(signal.SIGINT, self._on_interrupt)

    def __iter__(self) -> Iterator[Sequence[T]]:
        for start in range(0, len(self._items), self._size):
            self._await_turn()
            if self.interrupted:
                return
            portion = self._items[start : start + self._size]
            if self._rate is not None:
                self._next_at = self._clock() + len(portion) / self._rate
            yield portion
            self.done += len(portion)
            self._tell()

    def _await_turn(self) -> None:
        while not self.interrupted and (left := self._next_at - self._clock()) > 0:
            self._sleep(min(left, _GLANCE_S))

    def _tell(self) -> None:
        self._bar.update(self._task, completed=self.done)
        if self._bar.disable and self._clock() - self._line_at >= LINE_EVERY_S:
            self._line_at = self._clock()
            sys.stderr.write(f"{self._what}: {self.done} of {len(self._items)}\n")

    def _interrupt(self, _number: int, _frame: FrameType | None) -> None:
        self.interrupted = True
        signal.signal(signal.SIGINT, self._on_interrupt)
