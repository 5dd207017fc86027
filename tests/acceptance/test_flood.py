"""A flood of strangers: the gateway's deliveries are accepted all the same."""

from pathlib import Path

import pytest

from tests.acceptance.flooding import MANNERS, flooded

MOST_MIB = 200
MOST_LINES = 2_000


@pytest.mark.duration(12)
def test_the_gateway_is_refused_nothing(tmp_path: Path):
    """Beside 50 at full speed and 200 slow ones every delivery is accepted; how long it waits `flooding` itself tells.

    Supervisors are answered, memory stays flat, and strangers write no lines.
    """
    found = flooded(tmp_path, 2)
    assert {name: (one.accepted, one.refused) for name, one in found.items()} == dict.fromkeys(
        ("quiet", *MANNERS), (200, 0)
    )
    assert {name: one.probes[0] - one.probes[1] for name, one in found.items()} == dict.fromkeys(found, 0)
    assert max(one.memory_mib for one in found.values()) < MOST_MIB
    (log,) = tmp_path.glob("*.log")
    others = [line for line in log.read_text().splitlines() if " accepted " not in line]
    assert len(others) < MOST_LINES
    assert "ASGI" not in log.read_text()
