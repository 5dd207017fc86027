"""Chaos runs that set each clock ahead and back in turn, far enough to exceed every retention."""

from itertools import product
from pathlib import Path

import pytest

from tests import clocks
from tests.chaos.options import Options
from tests.chaos.runner import Runner
from tests.chaos.schedule import Fault
from tests.extent import thorough

TARGETS = ("receiver-1", "worker-1", "worker-2", "beat", *(("valkey",) if clocks.is_available() else ()))
# A fault's number chooses its step: 2, 5, 8 and so on are 400 days.
FAULTS = [
    Fault(2 + 3 * number, 1.0 + 2.0 * number, f"{action} {name}", name, 1.5)
    for number, (name, action) in enumerate(product(TARGETS, ("ahead", "behind")))
]
SWINGS = [Fault(2 + 3 * number, 4.0 + 5.0 * number, "swing valkey", "valkey", 1.2) for number in range(4)]


@thorough
@pytest.mark.timeout(240)
@pytest.mark.parametrize("database", ["sqlite", "postgresql"])
def test_no_clock_costs_a_delivery(tmp_path: Path, database: str) -> None:
    """With any clock wrong in either direction, nothing is lost, doubled or removed, and the audit is good."""
    assert_nothing_is_wrong_after(FAULTS, tmp_path, database)


@thorough
@pytest.mark.skipif(not clocks.is_available(), reason=clocks.NEEDED)
@pytest.mark.timeout(240)
@pytest.mark.parametrize("database", ["sqlite", "postgresql"])
def test_no_swing_of_redis_clock_costs_a_time(tmp_path: Path, database: str) -> None:
    """What arrives while Redis' clock is ahead and is accepted while it is behind keeps its times."""
    assert_nothing_is_wrong_after(SWINGS, tmp_path, database)


def assert_nothing_is_wrong_after(faults: list[Fault], directory: Path, database: str) -> None:
    options = Options(database, seed=2, minutes=0.4, rate=150, patience_s=60)
    result = Runner(options, directory, lambda _: None, faults).run()
    assert result.findings == []
    assert (result.lost, result.doubled, result.audit_result.exit_code) == (0, 0, 0)
    assert sum(result.done.values()) == len(faults)
