"""Test of the checks: a small run has no findings with the intact product, and detects losses with a broken step."""

from pathlib import Path

import pytest

from tests.chaos.options import Options
from tests.chaos.result import Result
from tests.chaos.runner import Runner
from tests.chaos.schedule import Fault
from tests.extent import thorough

# Each broken step needs its fault: Valkey down for longer than a receiver waits; both workers killed while neither can
# commit; and batches in flight in a killed worker, which are never announced again; dispatchers killed while they send.
FAULTS = [
    Fault(0, 2.0, "kill -9 valkey", "valkey", 2.5),
    Fault(1, 5.0, "kill -9 receiver", "receiver-1", 0.3),
    Fault(2, 6.5, "lock sqlite", "sqlite", 5.0),
    Fault(3, 7.0, "kill -9 dispatcher", "dispatcher-1", 0.3),
    Fault(4, 8.5, "kill -9 worker", "worker-1", 0.3),
    Fault(5, 9.5, "kill -9 worker", "worker-2", 0.3),
    Fault(6, 10.0, "kill -9 dispatcher", "dispatcher-2", 0.3),
    Fault(7, 12.0, "kill -9 valkey", "valkey", 0.5),
    Fault(8, 12.3, "kill -9 targets", "targets", 0.3),
    Fault(9, 12.5, "kill -9 receiver", "receiver-2", 0.3),
    Fault(10, 13.0, "kill -9 dispatcher", "dispatcher-1", 0.3),
]


def run_small(directory: Path, sabotage: str | None = None) -> Result:
    """Run a few thousand deliveries with a process killed about every other second."""
    patience_s, drop = (60, 0.05) if sabotage is None else (15, 0.0)
    options = Options("sqlite", seed=2, minutes=0.22, rate=250, patience_s=patience_s, sabotage=sabotage, drop=drop)
    return Runner(options, directory, lambda _: None, FAULTS).run()


@thorough
def test_an_intact_product_has_no_findings(tmp_path: Path) -> None:
    """The intact product loses and doubles nothing, fetches what was dropped, and every check confirms it."""
    result = run_small(tmp_path)
    assert result.findings == []
    assert (result.lost, result.doubled, result.audit_result.exit_code) == (0, 0, 0)
    assert sum(result.done.values()) == len(FAULTS)
    assert result.counts.ids == result.progress.accepted == result.progress.drawn - result.progress.dropped > 1000
    assert result.repair is not None
    assert result.repair.missed == result.repair.expected >= result.repair.repaired > 20
    assert all(each.received >= each.records > 100 for each in result.notified.values())
    assert sum(diff.rows for diff in result.diffs.values()) > 1000


@thorough
@pytest.mark.parametrize("sabotage", ["sweep-off", "settle-early", "answer-early"])
def test_a_broken_step_is_detected(tmp_path: Path, sabotage: str) -> None:
    """Without the sweep, with batches settled before COMMIT or answers before the ledger write, ids are lost."""
    result = run_small(tmp_path, sabotage)
    assert result.lost > 0
    assert result.counts.ids_missing
    assert result.audit_result.lost is (
        sabotage != "sweep-off"
    )  # to the audit, a batch without a sweep is just pending
    assert sum(diff.lacking for diff in result.diffs.values()) > 0


@thorough
def test_a_change_that_is_lost_is_detected(tmp_path: Path) -> None:
    """Changes that count as sent before they are, are lost with the dispatcher that is killed over them."""
    result = run_small(tmp_path, "notify-early")
    assert result.lost == 0
    assert sum(each.wrong for each in result.notified.values()) > 0
    assert [finding for finding in result.findings if "records stand otherwise" in finding]
