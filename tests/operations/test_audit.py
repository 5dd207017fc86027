"""Audit: whatever happens to ledger and rows, it accounts for every ordinal and reports every loss."""

from typing import Any

import pytest
from sqlalchemy import Engine, select, update

from ledger.client import Ledger
from ledger.scan import LedgerScan, scan_ledger
from operations.audit import AnswerFates, Auditor
from store.ordinals import tally
from store.schema import deliveries, ledger_marks
from tests.factories.envelopes import NOW, envelope
from tests.operations.audits import remove_rows, series
from workers.consumer import Consumer


def test_an_empty_system_is_sound(auditor: Auditor):
    """An audit of an empty ledger and an empty database finds no loss."""
    audit = auditor.audit()
    assert (audit.lost, audit.quiet, audit.earlier) == (False, True, ())


def test_a_life_that_begins_during_an_audit_is_no_earlier_one(
    auditor: Auditor, consumer: Consumer, accept: Any, monkeypatch: pytest.MonkeyPatch
):
    """The very first delivery is accepted after the ledger was read, and is a row when rows are read."""

    def scan_before_the_first(*arguments: Any) -> LedgerScan:
        scan = scan_ledger(*arguments)
        if scan.figures.life is None:
            consumer.consume("dlr", [accept(envelope("a"))])
        return scan

    monkeypatch.setattr("operations.audit.scan_ledger", scan_before_the_first)
    audit = auditor.audit()
    assert (audit.lost, audit.earlier) == (False, ())
    assert series(audit).rows == {"applied": 1}


def test_every_ordinal_is_accounted_for(auditor: Auditor, consumer: Consumer, accept: Any):
    """Rows by outcome and waiting deliveries add up to the ordinals given out; the oldest waiting batch has an age."""
    consumer.consume("dlr", [accept(envelope("a"), envelope("b"), envelope("c", status=None), b"garbage")])
    accept(envelope("d"), envelope("e"))
    audit = auditor.audit()
    dlr = series(audit)
    assert (dlr.given_out, dlr.rows, dlr.waiting) == (6, {"applied": 2, "parked": 1, "dead": 1}, 2)
    assert (dlr.missing, dlr.doubled, audit.lost, audit.quiet) == (0, 0, False, True)
    assert audit.repeats["dlr"] == 1
    assert audit.figures.queues["dlr"].oldest_at is not None


def test_a_batch_in_the_ledger_and_in_rows_counts_once(
    auditor: Auditor, consumer: Consumer, ledger: Ledger, accept: Any
):
    """After a kill between commit and settle its deliveries are rows, and count neither as waiting nor as doubled."""
    batch = accept(envelope("a"), envelope("b"))
    stored = ledger.redis.hget("seven:batches", batch)
    consumer.consume("dlr", [batch])
    ledger.redis.hset("seven:batches", batch, stored)
    ledger.redis.zadd("seven:pending:dlr", {batch: 1})
    audit = auditor.audit()
    assert (series(audit).waiting, series(audit).doubled, audit.lost) == (0, 0, False)


@pytest.mark.parametrize(
    ("gone", "missing"),
    [
        pytest.param("a", (1, 1, False, True), id="the first"),
        pytest.param("b", (2, 2, True, True), id="in the middle"),
        pytest.param("d", (4, 4, True, False), id="the last"),
    ],
)
def test_a_row_that_vanishes_is_a_loss(
    auditor: Auditor, consumer: Consumer, engine: Engine, accept: Any, gone: str, missing: tuple[int, int, bool, bool]
):
    """Its ordinal is reported with the times of its neighbours, wherever in the series it is."""
    consumer.consume("dlr", [accept(*map(envelope, "abcd"))])
    remove_rows(engine, gone)
    audit = auditor.audit()
    (gap,) = series(audit).missing_shown
    assert audit.lost
    assert (gap.first, gap.last, gap.after == NOW, gap.before == NOW) == missing


def test_a_batch_that_vanishes_from_the_ledger_is_a_loss(auditor: Auditor, ledger: Ledger, accept: Any):
    """With or without its pending entry."""
    accept(envelope("a"))
    batch = accept(envelope("b"), envelope("c"))
    ledger.redis.hdel("seven:batches", batch)
    audit = auditor.audit()
    assert (audit.lost, audit.empty, series(audit).missing, series(audit).waiting) == (True, 1, 2, 1)
    ledger.redis.zrem("seven:pending:dlr", batch)
    audit = auditor.audit()
    assert (audit.lost, audit.empty, series(audit).missing) == (True, 0, 2)


def test_a_batch_that_is_pending_nowhere_is_reported(auditor: Auditor, ledger: Ledger, accept: Any):
    """It would never be announced."""
    ledger.redis.zrem("seven:pending:dlr", accept(envelope("a")))
    assert (auditor.audit().stray, auditor.audit().lost) == (1, True)


def test_a_newer_versions_queue_is_audited(
    auditor: Auditor, consumer: Consumer, engine: Engine, ledger: Ledger, accept: Any
):
    """After a roll-back, rows and batches of an event type not known here are accounted for as all others."""
    consumer.consume("wa_mo", [accept(envelope("a"), envelope("b"), queue="wa_mo")])
    accept(envelope("c"), queue="wa_mo")
    auditor.mark()
    audit = auditor.audit()
    newer = series(audit, "wa_mo")
    assert (newer.given_out, newer.rows, newer.waiting, newer.unknown_to_ledger) == (3, {"applied": 2}, 1, 0)
    assert (audit.lost, audit.stray, audit.figures.queues["wa_mo"].pending) == (False, 0, 1)
    assert auditor.audit(["a", "c"]).against == AnswerFates(ids=2, rows=1, waiting=1, removed=0, missing=())
    remove_rows(engine, "b")
    assert series(auditor.audit(), "wa_mo").missing == 1
    ledger.redis.flushall()
    assert [earlier.missing for earlier in auditor.audit().earlier] == [2]


def test_an_older_redis_file_repeats_ordinals(
    auditor: Auditor, consumer: Consumer, ledger: Ledger, engine: Engine, accept: Any
):
    """A ledger restored from an older file is behind its rows; once it continues, ordinals are doubled."""
    consumer.consume("dlr", [accept(*map(envelope, "abcd"))])
    ledger.redis.hset("seven:ordinals", "dlr", 2)
    audit = auditor.audit()
    assert (series(audit).unknown_to_ledger, audit.lost) == (2, True)
    consumer.consume("dlr", [accept(envelope("e"), envelope("f"))])
    audit = auditor.audit()
    assert (series(audit).doubled, series(audit).doubled_ordinals, audit.lost) == (2, (3, 4), True)


def test_the_losses_of_an_earlier_life_are_reported(
    auditor: Auditor, consumer: Consumer, ledger: Ledger, engine: Engine, accept: Any
):
    """After Redis started empty, ordinals of the old life up to its last mark that are not rows are missing."""
    consumer.consume("dlr", [accept(envelope("a"))])
    accept(envelope("b"), envelope("c"))
    auditor.mark()
    old = auditor.audit().figures.life
    ledger.redis.flushall()
    assert [earlier.missing for earlier in auditor.audit().earlier] == [
        2
    ]  # even before the new life accepts a delivery
    consumer.consume("dlr", [accept(envelope("d"))])
    audit = auditor.audit()
    (before,) = audit.earlier
    assert (before.life, before.given_out, before.missing, before.missing_runs) == (old, 3, 2, ((2, 3),))
    assert before.last_seen_at is not None
    assert (series(audit).missing, audit.lost) == (0, True)


def test_an_earlier_life_counts_as_a_loss_until_closed(
    auditor: Auditor, consumer: Consumer, ledger: Ledger, engine: Engine, accept: Any
):
    """All marked ordinals of the old life are rows, but it may have given out more after its last mark."""
    consumer.consume("dlr", [accept(envelope("a"))])
    auditor.mark()
    accept(envelope("never seen"))
    ledger.redis.flushall()
    accept(envelope("b"))
    audit = auditor.audit()
    (before,) = audit.earlier
    assert (before.missing, before.open_end, audit.lost) == (0, True, True)
    auditor.acknowledge(audit)
    audit = auditor.audit()
    assert (len(audit.earlier), audit.lost) == (1, False)


def test_acknowledged_losses_do_not_hide_new_ones(
    auditor: Auditor, consumer: Consumer, ledger: Ledger, engine: Engine, accept: Any
):
    """Missing and doubled ordinals can be acknowledged, even twice; the next loss is reported again."""
    consumer.consume("dlr", [accept(*map(envelope, "abcd"))])
    remove_rows(engine, "a")
    ledger.redis.hset("seven:ordinals", "dlr", 2)
    consumer.consume("dlr", [accept(envelope("e"), envelope("f"))])
    audit = auditor.audit()
    assert (series(audit).missing, series(audit).doubled_ordinals) == (1, (3, 4))
    auditor.acknowledge(audit)
    auditor.acknowledge(audit)
    audit = auditor.audit()
    assert (audit.lost, series(audit).doubled, series(audit).doubled_ordinals) == (False, 2, ())
    remove_rows(engine, "b")
    assert auditor.audit().lost


def test_marks_only_rise(auditor: Auditor, ledger: Ledger, engine: Engine, accept: Any):
    """A mark is a join: an older reading of the ledger lowers nothing."""
    accept(envelope("a"), envelope("b"))
    auditor.mark()
    ledger.redis.hset("seven:ordinals", "dlr", 1)
    auditor.mark()
    with engine.connect().execution_options(reads=True) as connection:
        assert connection.execute(select(ledger_marks.c.last_ordinal)).scalars().all() == [2]


@pytest.mark.parametrize("fate", ["removed", "lost"])
def test_tallied_ordinals_are_no_loss(auditor: Auditor, consumer: Consumer, engine: Engine, accept: Any, fate: Any):
    """Rows removed by retention and acknowledged losses are counted, and are not missing."""
    consumer.consume("dlr", [accept(*map(envelope, "abcde"))])
    life = series(auditor.audit()).life
    remove_rows(engine, "b", "c", "e")
    with engine.begin() as connection:
        tally(connection, (life, "dlr"), [(2, 3)], fate, NOW)
    assert series(auditor.audit()).missing_runs == ((5, 5),)
    with engine.begin() as connection:
        tally(connection, (life, "dlr"), [(5, 5)], fate, NOW)
    audit = auditor.audit()
    assert (series(audit).tallied, series(audit).missing, audit.lost) == ({fate: 3}, 0, False)


def test_blanked_and_discarded_rows_count(auditor: Auditor, consumer: Consumer, engine: Engine, accept: Any):
    """A row with an erased payload, or a discarded one, is still a row."""
    consumer.consume("dlr", [accept(envelope("a"), b"garbage")])
    with engine.begin() as connection:
        connection.execute(update(deliveries).values(payload=None, digest=None))
        connection.execute(update(deliveries).where(deliveries.c.outcome == "dead").values(outcome="discarded"))
    audit = auditor.audit()
    assert (series(audit).rows, audit.lost) == ({"applied": 1, "discarded": 1}, False)


def test_a_foreign_value_in_the_ledger_has_no_ordinal(auditor: Auditor, consumer: Consumer, ledger: Ledger):
    """A foreign value in the ledger becomes a dead letter without an ordinal, and is counted as such."""
    ledger.redis.hset("seven:batches", "odd", b"odd")
    ledger.redis.zadd("seven:pending:dlr", {"odd": 1})
    assert auditor.audit().unreadable == 1
    consumer.consume("dlr", ["odd"])
    audit = auditor.audit()
    assert (audit.unreadable, audit.unnumbered, audit.lost) == (0, 1, False)
