"""Runs: sets of ordinals, each as the sorted runs `(first, last)` without a gap."""

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator

Run = tuple[int, int]
"""From the first to the last ordinal, both included."""


def runs(told: Iterable[Run]) -> list[Run]:
    """Any runs, in any order, overlapping or not, as the fewest there can be."""
    joined: list[Run] = []
    for first, last in sorted(told):
        if joined and first <= joined[-1][1] + 1:
            joined[-1] = (joined[-1][0], max(last, joined[-1][1]))
        else:
            joined.append((first, last))
    return joined


def fold(joined: list[Run], run: Run) -> None:
    """Add a run, in place, to the fewest that there can be; at their end it costs least."""
    first, last = run
    begin = bisect_left(joined, first - 1, key=lambda one: one[1])
    end = bisect_right(joined, last + 1, key=lambda one: one[0])
    if begin < end:  # it overlaps or touches these
        first, last = min(first, joined[begin][0]), max(last, joined[end - 1][1])
    joined[begin:end] = [(first, last)]


def without(some: Iterable[Run], others: Iterable[Run]) -> list[Run]:
    """What is in `some` and not in `others`; each as `runs` gives it."""
    return list(_without(some, iter(others)))


def size(some: Iterable[Run]) -> int:
    """How many ordinals."""
    return sum(last - first + 1 for first, last in some)


def _without(some: Iterable[Run], others: Iterator[Run]) -> Iterator[Run]:
    other = next(others, None)
    for run in some:
        first, last = run
        while other is not None and other[1] < first:
            other = next(others, None)
        while other is not None and other[0] <= last:
            if other[0] > first:
                yield first, other[0] - 1
            first = other[1] + 1
            if first > last:
                break
            other = next(others, None)
        if first <= last:
            yield first, last
