"""The test of the test: a small run finds nothing where nothing is wrong, and the loss wherever one step is spoiled."""

from pathlib import Path

import pytest

from tests.chaos.options import Options
from tests.chaos.result import Result
from tests.chaos.runner import Conducting
from tests.chaos.schedule import Fault
from tests.deploy.tools import thorough

# Each spoiled step has its moment: Valkey away for longer than a receiver waits for it; both workers killed while
# neither can commit; and whatever a worker has in hand at its end, which nobody announces again.
FAULTS = [
    Fault(0, 2.0, "kill -9 valkey", "valkey", 2.5),
    Fault(1, 5.0, "kill -9 receiver", "receiver-1", 0.3),
    Fault(2, 6.5, "lock sqlite", "sqlite", 5.0),
    Fault(3, 8.5, "kill -9 worker", "worker-1", 0.3),
    Fault(4, 9.5, "kill -9 worker", "worker-2", 0.3),
    Fault(5, 12.0, "kill -9 valkey", "valkey", 0.5),
    Fault(6, 12.5, "kill -9 receiver", "receiver-2", 0.3),
]


def small(directory: Path, sabotage: str | None = None) -> Result:
    """A few thousand deliveries, and somebody killed every other second."""
    patience_s = 60 if sabotage is None else 15
    options = Options("sqlite", seed=2, minutes=0.22, rate=250, patience_s=patience_s, sabotage=sabotage)
    return Conducting(options, directory, lambda _: None, FAULTS).run()


@thorough
def test_nothing_is_found_where_nothing_is_wrong(tmp_path: Path) -> None:
    """The product as it is loses and doubles nothing, and every check says so."""
    result = small(tmp_path)
    assert result.findings == []
    assert (result.lost, result.doubled, result.audited.exit_code) == (0, 0, 0)
    assert sum(result.done.values()) == len(FAULTS)
    assert result.counted.ids == result.progress.accepted == result.progress.drawn > 1000
    assert sum(one.rows for one in result.compared.values()) > 1000


@thorough
@pytest.mark.parametrize("sabotage", ["sweep-off", "settle-early", "answer-early"])
def test_a_spoiled_step_is_found(tmp_path: Path, sabotage: str) -> None:
    """Without the sweep, with batches settled before COMMIT, or answered before the ledger has them: losses, by id."""
    result = small(tmp_path, sabotage)
    assert result.lost > 0
    assert result.counted.ids_missing
    assert result.audited.lost is (sabotage != "sweep-off")  # to the audit a delivery that waits for ever only waits
    assert sum(one.lacking for one in result.compared.values()) > 0
