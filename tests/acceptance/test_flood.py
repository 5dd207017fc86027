"""A flood of strangers: the gateway's deliveries are accepted all the same, at the first attempt, and in time."""

from collections.abc import Mapping
from pathlib import Path

import pytest

from tests.acceptance.flood import FEW_FILES, GATEWAYS_S, MANNERS, MANY, Outcome, flooded
from tests.deploy.tools import thorough
from tests.servers import PATIENCE_S

MOST_MIB = 200
MOST_LINES = 2_000

alone_too = pytest.mark.parametrize("patience_s", [PATIENCE_S, pytest.param(GATEWAYS_S, marks=thorough)])
"""Beside other tests the gateway is as patient as everything here; by itself (`make deploy-check`) as in life."""


def judge(found: Mapping[str, Outcome], patience_s: float) -> None:
    """Nothing is lost, supervisors are answered, memory stays flat; alone nothing comes again, and nothing waits long.

    Beside other tests the gateway itself may be too slow to finish a request within the second that it has where
    connections run short. How long something waits is judged where the machine is not slow without any strangers.
    """
    number = found["quiet"].deliveries
    assert {name: one.accepted for name, one in found.items()} == dict.fromkeys(found, number)
    assert {name: one.probes[0] - one.probes[1] for name, one in found.items()} == dict.fromkeys(found, 0)
    assert max(one.memory_mib for one in found.values()) < MOST_MIB
    if patience_s == GATEWAYS_S:
        assert {name: one.retried for name, one in found.items()} == dict.fromkeys(found, 0)
        if found["quiet"].longest < 0.5:
            assert max(one.p99 for one in found.values()) <= 1
            assert max(one.longest for one in found.values()) < 4


@pytest.mark.duration(14)
@alone_too
def test_the_gateway_waits_for_no_stranger(tmp_path: Path, patience_s: float):
    """Beside 50 at full speed and 200 slow ones, of each manner; and they write no lines."""
    found = flooded(tmp_path, 2, patience_s=patience_s)
    assert set(found) == {"quiet", *MANNERS}
    judge(found, patience_s)
    (log,) = tmp_path.glob("*.log")
    others = [line for line in log.read_text().splitlines() if " accepted " not in line]
    assert len(others) < MOST_LINES
    assert "ASGI" not in log.read_text()


@pytest.mark.duration(6)
@alone_too
def test_where_files_are_few_the_gateways_connections_stay(tmp_path: Path, patience_s: float):
    """Beside more strangers than the receiver may open files, and beside as many bodies that never end."""
    found = flooded(tmp_path, 2, [*MANY], FEW_FILES, patience_s)
    assert set(found) == {"quiet", *MANY}
    judge(found, patience_s)
