"""A flood of strangers: the gateway's deliveries are accepted all the same."""

from pathlib import Path

import pytest

from tests.acceptance.flooding import MANNERS, flooded


@pytest.mark.parametrize("manner", MANNERS)
def test_the_gateway_is_refused_nothing(tmp_path: Path, manner: str):
    """Beside 50 at full speed and 200 slow ones every delivery is accepted; how long it waits `flooding` itself tells."""
    beside = flooded(tmp_path, 4, [manner])[manner]
    assert (beside.accepted, beside.refused) == (beside.deliveries, 0)
