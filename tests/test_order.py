"""The order of the suite: in each process, the longest tests start first."""

import pytest

from tests.order import deal

pytest_plugins = ["pytester"]

TESTS = """
import pytest

@pytest.mark.parametrize("n", range(20))
def test_short(n): pass

@pytest.mark.duration(5)
def test_long(): pass

@pytest.mark.duration(50)
@pytest.mark.parametrize("n", range(2))
def test_longest(n): pass
"""
TOGETHER = """
import pytest
pytestmark = pytest.mark.duration(20)
def test_first(): pass
def test_second(): pass
"""


@pytest.mark.parametrize("processes", [1, 2, 4])
def test_the_longest_begin_first(pytester: pytest.Pytester, processes: int):
    """Each process starts with its share of long tests; none is left out; a module with a duration stays together."""
    pytester.makeini("[pytest]\nmarkers = duration")
    pytester.makepyfile(test_a=TESTS, test_b=TOGETHER)
    collected, _ = pytester.inline_genitems()
    names = [item.name for item in deal(collected, processes)]
    assert sorted(names) == sorted(item.name for item in collected)
    starts, left = [0], len(names)
    for others in range(processes, 1, -1):
        starts.append(starts[-1] + left // others)
        left -= left // others
    assert {names[start] for start in starts} & {"test_longest[0]", "test_longest[1]"} == (
        {"test_longest[0]", "test_longest[1]"} if processes > 1 else {"test_longest[0]"}
    )
    assert not [start for start in starts if "short" in names[start]]
    assert names[names.index("test_first") + 1] == "test_second"
