"""Chaos runs that set each clock ahead and back in turn, far enough to exceed every retention."""

from pathlib import Path

import pytest

from tests import clocks
from tests.chaos.options import Options
from tests.chaos.runner import Runner
from tests.chaos.schedule import Fault
from tests.extent import thorough

TARGETS = ("receiver-1", "worker-1", "worker-2", "beat", *(("valkey",) if clocks.is_available() else ()))
FAULTS = [
    Fault(2 + 3 * number, 1.0 + 2.0 * number, f"{action} {name}", name, 1.5)  # every third number is a step of 400 days
    for number, (name, action) in enumerate((name, action) for name in TARGETS for action in ("ahead", "behind"))
]


@thorough
@pytest.mark.timeout(240)
@pytest.mark.parametrize("database", ["sqlite", "postgresql"])
def test_no_clock_costs_a_delivery(tmp_path: Path, database: str) -> None:
    """With any clock wrong in either direction, nothing is lost, doubled or removed, and the audit is good."""
    options = Options(database, seed=2, minutes=0.4, rate=150, patience_s=60)
    result = Runner(options, tmp_path, lambda _: None, FAULTS).run()
    assert result.findings == []
    assert (result.lost, result.doubled, result.audit_result.exit_code) == (0, 0, 0)
    assert sum(result.done.values()) == len(FAULTS)
