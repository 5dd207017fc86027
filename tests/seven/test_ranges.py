"""Ranges: they behave like the sets of ordinals that they represent."""

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from seven.ranges import OrdinalRange, add_range, count_ordinals, merge_ranges, subtract

RANGES = st.lists(st.tuples(st.integers(1, 40), st.integers(0, 6)).map(lambda pair: (pair[0], sum(pair))), max_size=12)


def ordinals(ranges: list[OrdinalRange]) -> set[int]:
    return {ordinal for first, last in ranges for ordinal in range(first, last + 1)}


@given(RANGES)
def test_merged_ranges_are_the_fewest(ranges: list[OrdinalRange]):
    """Overlapping and adjacent ranges become one, sorted; no ordinal is added or lost."""
    merged = merge_ranges(ranges)
    assert ordinals(merged) == ordinals(ranges)
    assert count_ordinals(merged) == len(ordinals(ranges))
    assert all(before[1] + 1 < after[0] for before, after in pairwise(merged))


@given(RANGES)
def test_ranges_are_added_one_by_one(ranges: list[OrdinalRange]):
    """Adding ranges in any order gives the same result as merging them at once."""
    merged: list[OrdinalRange] = []
    for addition in ranges:
        add_range(merged, addition)
    assert merged == merge_ranges(ranges)


@given(RANGES, RANGES)
def test_subtract_is_the_difference(ranges: list[OrdinalRange], removed: list[OrdinalRange]):
    """The difference has the ordinals of the first ranges that are not in the second."""
    assert ordinals(subtract(merge_ranges(ranges), merge_ranges(removed))) == ordinals(ranges) - ordinals(removed)
