"""A flood of strangers: the gateway's deliveries are accepted all the same."""

from pathlib import Path

import pytest

from tests.acceptance.flooding import MANNERS, flooded


@pytest.mark.duration(12)
def test_the_gateway_is_refused_nothing(tmp_path: Path):
    """Beside 50 at full speed and 200 slow ones every delivery is accepted; how long it waits `flooding` itself tells."""
    found = flooded(tmp_path, 2)
    assert {name: (one.accepted, one.refused) for name, one in found.items()} == dict.fromkeys(
        ("quiet", *MANNERS), (200, 0)
    )
