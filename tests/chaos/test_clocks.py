"""Each clock of a run set ahead and back, one after the other, far enough for everything to look too old."""

from pathlib import Path

import pytest

from tests import clocks
from tests.chaos.options import Options
from tests.chaos.runner import Conducting
from tests.chaos.schedule import Fault
from tests.deploy.tools import thorough

WHOSE = ("receiver-1", "worker-1", "worker-2", "beat", *(("valkey",) if clocks.is_there() else ()))
FAULTS = [
    Fault(2 + 3 * number, 1.0 + 2.0 * number, f"{deed} {name}", name, 1.5)  # each third number is a step of 400 days
    for number, (name, deed) in enumerate((name, deed) for name in WHOSE for deed in ("ahead", "behind"))
]


@thorough
@pytest.mark.timeout(240)
@pytest.mark.parametrize("database", ["sqlite", "postgresql"])
def test_no_clock_costs_a_delivery(tmp_path: Path, database: str) -> None:
    """Lost 0, doubled 0, the audit good, and no row removed, whichever clock is wrong and however."""
    options = Options(database, seed=2, minutes=0.4, rate=150, patience_s=60)
    result = Conducting(options, tmp_path, lambda _: None, FAULTS).run()
    assert result.findings == []
    assert (result.lost, result.doubled, result.audited.exit_code) == (0, 0, 0)
    assert sum(result.done.values()) == len(FAULTS)
