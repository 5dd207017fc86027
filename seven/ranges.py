"""Ranges: sets of ordinals as sorted ranges `(first, last)`, with a gap between each two."""

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator

OrdinalRange = tuple[int, int]
"""From the first to the last ordinal, both included."""


def merge_ranges(ranges: Iterable[OrdinalRange]) -> list[OrdinalRange]:
    """Merge ranges in any order, overlapping or adjacent, into the fewest possible; sorted."""
    merged: list[OrdinalRange] = []
    for first, last in sorted(ranges):
        if merged and first <= merged[-1][1] + 1:
            merged[-1] = (merged[-1][0], max(last, merged[-1][1]))
        else:
            merged.append((first, last))
    return merged


def add_range(merged: list[OrdinalRange], addition: OrdinalRange) -> None:
    """Add a range to merged ones, in place. An addition at their end is the cheapest."""
    first, last = addition
    begin = bisect_left(merged, first - 1, key=lambda present: present[1])
    end = bisect_right(merged, last + 1, key=lambda present: present[0])
    if begin < end:  # it overlaps or touches these
        first, last = min(first, merged[begin][0]), max(last, merged[end - 1][1])
    merged[begin:end] = [(first, last)]


def subtract(minuend: Iterable[OrdinalRange], subtrahend: Iterable[OrdinalRange]) -> list[OrdinalRange]:
    """The ordinals of `minuend` that are not in `subtrahend`; both as `merge_ranges` returns them."""
    return list(_subtract(minuend, iter(subtrahend)))


def count_ordinals(merged: Iterable[OrdinalRange]) -> int:
    """The number of ordinals in merged ranges."""
    return sum(last - first + 1 for first, last in merged)


def _subtract(minuend: Iterable[OrdinalRange], subtrahend: Iterator[OrdinalRange]) -> Iterator[OrdinalRange]:
    removed = next(subtrahend, None)
    for first, last in minuend:
        start = first
        while removed is not None and removed[1] < start:
            removed = next(subtrahend, None)
        while removed is not None and removed[0] <= last:
            if removed[0] > start:
                yield start, removed[0] - 1
            start = removed[1] + 1
            if start > last:
                break
            removed = next(subtrahend, None)
        if start <= last:
            yield start, last
