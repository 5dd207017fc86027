"""Failover to a standby, twice, while connections stay with the former primary: nothing is lost or doubled."""

from pathlib import Path

import pytest

from tests.chaos.options import Options
from tests.chaos.runner import Runner
from tests.chaos.schedule import Fault
from tests.extent import thorough

FAULTS = [Fault(number, 3.0 + 8.0 * number, "failover valkey", "valkey", 4.0) for number in range(2)]


@thorough
@pytest.mark.timeout(240)
@pytest.mark.parametrize("database", ["sqlite", "postgresql"])
def test_no_failover_costs_a_delivery(tmp_path: Path, database: str) -> None:
    """Nothing is lost or doubled, the audit is good, and no process needs a restart."""
    options = Options(database, seed=2, minutes=0.4, rate=150, patience_s=60)
    result = Runner(options, tmp_path, lambda _: None, FAULTS).run()
    assert result.findings == []
    assert (result.lost, result.doubled, result.audit_result.exit_code) == (0, 0, 0)
    assert sum(result.done.values()) == len(FAULTS)
