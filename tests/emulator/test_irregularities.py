"""Irregularities: a scenario with a late status, a click that is never reported, and a report not understood."""

from datetime import UTC, datetime
from itertools import pairwise

import pytest

from emulator.irregularities import LATE_BY, make_irregular
from emulator.scenarios import scenario
from emulator.vendor_event import VendorEvent
from seven.errors import InvalidPayload
from seven.events.dlr import StatusReport

NOW = datetime(2026, 6, 3, tzinfo=UTC)


def statuses(events: list[VendorEvent], msg_id: str) -> list[str]:
    return [
        event.fields["status"] for event in events if event.fields.get("msg_id") == msg_id and "status" in event.fields
    ]


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_each_irregularity_comes_once(seed: int):
    """Of forty messages one event is missing, one is not understood, and one comes late; the others stay in order."""
    events = scenario(seed, now=NOW)
    irregular = make_irregular(events)

    (unreported,) = [event for event in events if event not in irregular]
    assert (unreported.fields["type"], unreported.fields["total_clicks"]) == ("click", 2)
    url = unreported.fields["tracking_url"]
    assert [
        3 for event in irregular if (event.fields.get("tracking_url"), event.fields.get("total_clicks")) == (url, 3)
    ]

    *sent, renamed = irregular
    assert renamed not in events
    with pytest.raises(InvalidPayload, match="status"):
        StatusReport.parse(renamed.fields, NOW, NOW)
    assert statuses(irregular, renamed.fields["msg_id"])[-1] == "DELIVERED"

    (late,) = [after for before, after in pairwise(sent) if after.occurred_at < before.occurred_at]
    assert statuses(sent, late.fields["msg_id"])[-2:] == ["DELIVERED", late.fields["status"]]
    final = next(
        event
        for event in sent
        if event.fields.get("msg_id") == late.fields["msg_id"] and event.fields["status"] == "DELIVERED"
    )
    assert sent.index(late) - sent.index(final) == LATE_BY, "more than are in flight at once"
    assert [event for event in sent if event is not late] == [
        event for event in events if event not in (late, unreported)
    ]


@pytest.mark.parametrize("messages", [0, 1, 4])
def test_a_small_scenario_has_room_for_fewer(messages: int):
    """It loses nothing for that."""
    events = scenario(1, now=NOW, messages=messages)
    assert len(make_irregular(events)) >= len(events)
