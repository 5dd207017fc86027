"""Irregularities: what a gateway does to every receiver sooner or later, put into a scenario once each."""

from collections.abc import Sequence
from datetime import timedelta

from emulator.vendor_event import VendorEvent

LATE_BY = 60
"""Number of events between a final status and the one that comes late: more than are ever in flight at once."""


def make_irregular(events: Sequence[VendorEvent]) -> list[VendorEvent]:
    """The events in order of sending, with one late, one missing, and one that is not understood.

    - The status before a message's `DELIVERED` comes after it.
    - A link's click is counted in the gateway's totals, and never reported.
    - A report on a delivered message calls its `status` by another name, as after a change at the gateway.

    Each is left out where the scenario is too small for it. Every time stays as it was.
    """
    sent = _without_a_click(events)
    delivered = [event for event in sent if event.event_type == "dlr" and event.fields["status"] == "DELIVERED"]
    if not delivered:
        return sent
    return [*_with_a_late_status(sent, delivered[0]), _renamed(delivered[-1])]


def _with_a_late_status(events: Sequence[VendorEvent], delivered: VendorEvent) -> list[VendorEvent]:
    """The last status before this one comes some events after it."""
    place = events.index(delivered)
    earlier = [n for n in range(place) if events[n].fields.get("msg_id") == delivered.fields["msg_id"]]
    late, last = events[earlier[-1]], place + LATE_BY
    return [*(event for event in events[:last] if event is not late), late, *events[last:]]


def _without_a_click(events: Sequence[VendorEvent]) -> list[VendorEvent]:
    """Leave out the second of the first link's three clicks: the third has their total."""
    urls = [event.fields["tracking_url"] for event in events if event.fields.get("total_clicks") == 3]
    return [
        event
        for event in events
        if not (
            event.fields.get("tracking_url") in urls[:1]
            and (event.fields["type"], event.fields["total_clicks"]) == ("click", 2)
        )
    ]


def _renamed(delivered: VendorEvent) -> VendorEvent:
    fields = {"state" if name == "status" else name: value for name, value in delivered.fields.items()}
    return VendorEvent(delivered.event_type, fields, delivered.occurred_at + timedelta(seconds=1))
