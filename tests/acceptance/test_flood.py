"""A flood of strangers: the gateway's deliveries are accepted all the same, at the first attempt, and in time."""

from collections.abc import Mapping
from pathlib import Path

import pytest

from tests.acceptance.flooding import FEW_FILES, MANNERS, MANY, Told, flooded

MOST_MIB = 200
MOST_LINES = 2_000


def judge(found: Mapping[str, Told]) -> None:
    """Nothing is refused, nothing has to come again, supervisors are answered, memory stays flat, nothing waits long.

    A machine that is slow without any strangers says nothing about how long something waits beside them.
    """
    number = found["quiet"].deliveries
    assert {name: (one.accepted, one.retried) for name, one in found.items()} == dict.fromkeys(found, (number, 0))
    assert {name: one.probes[0] - one.probes[1] for name, one in found.items()} == dict.fromkeys(found, 0)
    assert max(one.memory_mib for one in found.values()) < MOST_MIB
    if found["quiet"].longest < 0.5:
        assert max(one.p99 for one in found.values()) <= 1
        assert max(one.longest for one in found.values()) < 4  # the gateway gives up after five seconds


@pytest.mark.duration(14)
def test_the_gateway_waits_for_no_stranger(tmp_path: Path):
    """Beside 50 at full speed and 200 slow ones, of each manner; and they write no lines."""
    found = flooded(tmp_path, 2)
    assert set(found) == {"quiet", *MANNERS}
    judge(found)
    (log,) = tmp_path.glob("*.log")
    others = [line for line in log.read_text().splitlines() if " accepted " not in line]
    assert len(others) < MOST_LINES
    assert "ASGI" not in log.read_text()


@pytest.mark.duration(6)
def test_where_files_are_few_the_gateways_connections_stay(tmp_path: Path):
    """Beside more strangers than the receiver may open files, and beside as many bodies that never end."""
    found = flooded(tmp_path, 2, [*MANY], FEW_FILES)
    assert set(found) == {"quiet", *MANY}
    judge(found)
