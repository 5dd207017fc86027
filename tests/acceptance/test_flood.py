"""Floods without a valid token: the gateway's deliveries are accepted at the first attempt and in time."""

from collections.abc import Mapping
from pathlib import Path

import pytest

from tests.acceptance.flood import FEW_FILES, FEW_FILES_KINDS, GATEWAYS_S, KINDS, Outcome, measure
from tests.extent import size, sized, thorough
from tests.servers import PATIENCE_S

MAX_MIB = 200
MAX_LINES = 2_000

patience = pytest.mark.parametrize("patience_s", [PATIENCE_S, pytest.param(GATEWAYS_S, marks=thorough)])
"""Beside other tests the gateway has the patience of all test clients; alone (`make deploy-check`) its own."""


def check(outcomes: Mapping[str, Outcome], patience_s: float) -> None:
    """No delivery is lost, probes are answered, memory stays flat; run alone, nothing is retried and no wait is long.

    Beside other tests the gateway may take longer than the second that a request has while connections run short.
    Waits are compared only if the machine is fast enough without a flood.
    """
    number = outcomes["quiet"].deliveries
    assert {name: outcome.accepted for name, outcome in outcomes.items()} == dict.fromkeys(outcomes, number)
    assert {name: outcome.probes[0] - outcome.probes[1] for name, outcome in outcomes.items()} == dict.fromkeys(
        outcomes, 0
    )
    assert max(outcome.memory_mib for outcome in outcomes.values()) < MAX_MIB
    if patience_s == GATEWAYS_S:
        assert {name: outcome.retried for name, outcome in outcomes.items()} == dict.fromkeys(outcomes, 0)
        if outcomes["quiet"].longest < 0.5:
            assert max(outcome.p99 for outcome in outcomes.values()) <= 1
            assert max(outcome.longest for outcome in outcomes.values()) < 4


@pytest.mark.duration(14)
@sized
@patience
def test_floods_do_not_delay_the_gateway(tmp_path: Path, patience_s: float):
    """Floods of each kind, with 50 fast and 200 slow connections, delay no delivery and log few lines."""
    outcomes = measure(tmp_path, size(1, 2), patience_s=patience_s)
    assert set(outcomes) == {"quiet", *KINDS}
    check(outcomes, patience_s)
    (log,) = tmp_path.glob("*.log")
    others = [line for line in log.read_text().splitlines() if " accepted " not in line]
    assert len(others) < MAX_LINES
    assert "ASGI" not in log.read_text()


@pytest.mark.duration(6)
@sized
@patience
def test_the_gateway_keeps_its_connections_when_files_are_few(tmp_path: Path, patience_s: float):
    """Beside more connections than the receiver may open files, and beside as many endless bodies."""
    outcomes = measure(tmp_path, size(1, 2), [*FEW_FILES_KINDS], FEW_FILES, patience_s)
    assert set(outcomes) == {"quiet", *FEW_FILES_KINDS}
    check(outcomes, patience_s)
