"""Clicks and views that the gateway never delivered, in the audit."""

from sqlalchemy import Engine

from operations.audit import Auditor
from seven.records import LinkEvent
from store.row_writer import Store
from tests.factories.archive import delivered, keep
from tests.factories.envelopes import NOW


def test_undelivered_clicks_are_no_loss_of_ours(auditor: Auditor, engine: Engine):
    """A jump of the gateway's counter is reported, and does not count as a loss."""
    Store(engine).write(LinkEvent("s", "u", "click", nth, NOW) for nth in (1, 2, 5))
    Store(engine).write([LinkEvent("s", "v", "view", 1, NOW)])
    audit = auditor.audit()
    assert (audit.link_gaps, audit.lost) == ({"click": (1, 2)}, False)


def test_undelivered_clicks_are_counted_by_the_gateways_totals(auditor: Auditor, engine: Engine):
    """One delivery names both totals: what it counts and no delivery reported is a gap, of either kind."""
    fields = {"sms_id": "s", "tracking_url": "u", "type": "view", "total_views": 7, "total_clicks": 7}
    keep(engine, [delivered(1, "tracking", fields)])
    assert auditor.audit().link_gaps == {"click": (1, 7), "view": (1, 6)}
    keep(engine, [delivered(2, "tracking", {**fields, "type": "click", "total_clicks": 4})])
    assert auditor.audit().link_gaps == {"click": (1, 6), "view": (1, 6)}
    keep(engine, [delivered(3, "tracking", {**fields, "sms_id": "t", "total_views": 1, "total_clicks": 12})])
    assert auditor.audit().link_gaps == {"click": (2, 18), "view": (1, 6)}
