"""Runs behave like the sets of ordinals that they stand for."""

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from seven.ranges import Run, fold, runs, size, without

SOME = st.lists(
    st.tuples(st.integers(1, 40), st.integers(0, 6)).map(lambda one: (one[0], one[0] + one[1])), max_size=12
)


def ordinals(some: list[Run]) -> set[int]:
    return {ordinal for first, last in some for ordinal in range(first, last + 1)}


@given(SOME)
def test_runs_are_the_fewest(some: list[Run]):
    """Whatever overlaps or touches is one run, in order, and no ordinal comes or goes."""
    joined = runs(some)
    assert ordinals(joined) == ordinals(some)
    assert size(joined) == len(ordinals(some))
    assert all(before[1] + 1 < after[0] for before, after in pairwise(joined))


@given(SOME)
def test_runs_fold_one_by_one(some: list[Run]):
    """In any order, into the same as all at once."""
    joined: list[Run] = []
    for run in some:
        fold(joined, run)
    assert joined == runs(some)


@given(SOME, SOME)
def test_without_is_the_difference(some: list[Run], others: list[Run]):
    """What remains is what is in the one and not in the other."""
    assert ordinals(without(runs(some), runs(others))) == ordinals(some) - ordinals(others)
