"""Auditing: whatever happens to ledger and rows, the audit says what is where, and calls a loss a loss."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from prometheus_client import CollectorRegistry, generate_latest
from sqlalchemy import Engine, delete, select, update
from uuid_utils import uuid7

from ledger.client import Ledger
from operations.audit import Audit, Auditor
from operations.audit_schedule import AuditMetrics, remember
from seven.envelope import Envelope
from seven.records import LinkEvent
from store.ordinals import tally
from store.row_writer import Store
from store.schema import deliveries, ledger_marks
from tests.factories.envelopes import NOW, envelope
from workers.consumer import Consumer


@pytest.fixture
def auditor(ledger: Ledger, engine: Engine) -> Auditor:
    return Auditor(ledger, engine)


def series(audit: Audit, queue: str = "dlr") -> Any:
    (found,) = [one for one in audit.series if one.queue == queue]
    return found


def forget(engine: Engine, *ids: str) -> None:
    """Have rows vanish, as only a fault or an older backup would."""
    with engine.begin() as connection:
        connection.execute(delete(deliveries).where(deliveries.c.id.in_(ids)))


def test_nothing_is_nothing(auditor: Auditor):
    """An audit of an empty ledger and an empty database is good."""
    found = auditor.audit()
    assert (found.lost, found.quiet, found.earlier) == (False, True, ())


def test_everything_is_somewhere(auditor: Auditor, consumer: Consumer, accept: Any):
    """Rows by outcome and what waits add up to what was given out; what waits has an age."""
    consumer.consume("dlr", [accept(envelope("a"), envelope("b"), envelope("c", status=None), b"garbage")])
    accept(envelope("d"), envelope("e"))
    found = auditor.audit()
    dlr = series(found)
    assert (dlr.given_out, dlr.rows, dlr.waiting) == (6, {"applied": 2, "parked": 1, "dead": 1}, 2)
    assert (dlr.missing, dlr.doubled, found.lost, found.quiet) == (0, 0, False, True)
    assert found.repeats["dlr"] == 1
    assert found.figures.queues["dlr"].oldest_at is not None


def test_a_batch_in_the_ledger_and_in_rows_counts_once(
    auditor: Auditor, consumer: Consumer, ledger: Ledger, accept: Any
):
    """Killed between commit and settle: its deliveries are rows, and neither wait nor are doubled."""
    batch = accept(envelope("a"), envelope("b"))
    stored = ledger.redis.hget("seven:batches", batch)
    consumer.consume("dlr", [batch])
    ledger.redis.hset("seven:batches", batch, stored)
    ledger.redis.zadd("seven:pending:dlr", {batch: 1})
    found = auditor.audit()
    assert (series(found).waiting, series(found).doubled, found.lost) == (0, 0, False)


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
    """Its ordinal is told, with the time of its neighbours, wherever in the series it is."""
    consumer.consume("dlr", [accept(*map(envelope, "abcd"))])
    forget(engine, gone)
    found = auditor.audit()
    (one,) = series(found).missing_shown
    assert found.lost
    assert (one.first, one.last, one.after == NOW, one.before == NOW) == missing


def test_a_batch_that_vanishes_from_the_ledger_is_a_loss(auditor: Auditor, ledger: Ledger, accept: Any):
    """Whether its pending entry remained or not."""
    accept(envelope("a"))
    batch = accept(envelope("b"), envelope("c"))
    ledger.redis.hdel("seven:batches", batch)
    found = auditor.audit()
    assert (found.lost, found.empty, series(found).missing, series(found).waiting) == (True, 1, 2, 1)
    ledger.redis.zrem("seven:pending:dlr", batch)
    found = auditor.audit()
    assert (found.lost, found.empty, series(found).missing) == (True, 0, 2)


def test_a_batch_that_is_pending_nowhere_is_told(auditor: Auditor, ledger: Ledger, accept: Any):
    """Nobody would ever announce it."""
    ledger.redis.zrem("seven:pending:dlr", accept(envelope("a")))
    assert (auditor.audit().stray, auditor.audit().lost) == (1, True)


def test_an_older_redis_file_gives_ordinals_out_twice(
    auditor: Auditor, consumer: Consumer, ledger: Ledger, engine: Engine, accept: Any
):
    """Restored from an older file the ledger is behind its rows; and once it goes on, ordinals are doubled."""
    consumer.consume("dlr", [accept(*map(envelope, "abcd"))])
    ledger.redis.hset("seven:ordinals", "dlr", 2)
    found = auditor.audit()
    assert (series(found).unknown_to_ledger, found.lost) == (2, True)
    consumer.consume("dlr", [accept(envelope("e"), envelope("f"))])
    found = auditor.audit()
    assert (series(found).doubled, series(found).doubled_ordinals, found.lost) == (2, (3, 4), True)


def test_a_new_life_tells_of_the_one_before(
    auditor: Auditor, consumer: Consumer, ledger: Ledger, engine: Engine, accept: Any
):
    """Redis began empty: up to the ordinal last seen it is known what the old life held and nobody has."""
    consumer.consume("dlr", [accept(envelope("a"))])
    accept(envelope("b"), envelope("c"))
    auditor.mark()
    old = auditor.audit().figures.life
    ledger.redis.flushall()
    assert [one.missing for one in auditor.audit().earlier] == [2]  # before the new life has accepted anything, too
    consumer.consume("dlr", [accept(envelope("d"))])
    found = auditor.audit()
    (before,) = found.earlier
    assert (before.life, before.given_out, before.missing, before.missing_runs) == (old, 3, 2, ((2, 3),))
    assert before.last_seen_at is not None
    assert (series(found).missing, found.lost) == (0, True)


def test_a_life_that_ended_may_have_held_more(
    auditor: Auditor, consumer: Consumer, ledger: Ledger, engine: Engine, accept: Any
):
    """All that was seen of the old life is rows; what it was not seen to give out nobody knows, until it is closed."""
    consumer.consume("dlr", [accept(envelope("a"))])
    auditor.mark()
    accept(envelope("never seen"))
    ledger.redis.flushall()
    accept(envelope("b"))
    found = auditor.audit()
    (before,) = found.earlier
    assert (before.missing, before.open_end, found.lost) == (0, True, True)
    auditor.acknowledge(found)
    found = auditor.audit()
    assert (len(found.earlier), found.lost) == (1, False)


def test_what_is_acknowledged_is_good_until_there_is_something_new(
    auditor: Auditor, consumer: Consumer, ledger: Ledger, engine: Engine, accept: Any
):
    """Missing and doubled ordinals alike, and acknowledged twice as well as once; the next loss is a loss again."""
    consumer.consume("dlr", [accept(*map(envelope, "abcd"))])
    forget(engine, "a")
    ledger.redis.hset("seven:ordinals", "dlr", 2)
    consumer.consume("dlr", [accept(envelope("e"), envelope("f"))])
    found = auditor.audit()
    assert (series(found).missing, series(found).doubled_ordinals) == (1, (3, 4))
    auditor.acknowledge(found)
    auditor.acknowledge(found)
    found = auditor.audit()
    assert (found.lost, series(found).doubled, series(found).doubled_ordinals) == (False, 2, ())
    forget(engine, "b")
    assert auditor.audit().lost


def test_marks_only_rise(auditor: Auditor, ledger: Ledger, engine: Engine, accept: Any):
    """A mark is a join: an older look at the ledger takes nothing back."""
    accept(envelope("a"), envelope("b"))
    auditor.mark()
    ledger.redis.hset("seven:ordinals", "dlr", 1)
    auditor.mark()
    with engine.connect().execution_options(reads=True) as connection:
        assert connection.execute(select(ledger_marks.c.last_ordinal)).scalars().all() == [2]


@pytest.mark.parametrize("fate", ["removed", "lost"])
def test_what_is_tallied_is_no_loss(auditor: Auditor, consumer: Consumer, engine: Engine, accept: Any, fate: Any):
    """Rows that retention removed, and losses that were taken note of, are counted and known."""
    consumer.consume("dlr", [accept(*map(envelope, "abcde"))])
    life = series(auditor.audit()).life
    forget(engine, "b", "c", "e")
    with engine.begin() as connection:
        tally(connection, (life, "dlr"), [(2, 3)], fate, NOW)
    assert series(auditor.audit()).missing_runs == ((5, 5),)
    with engine.begin() as connection:
        tally(connection, (life, "dlr"), [(5, 5)], fate, NOW)
    found = auditor.audit()
    assert (series(found).tallied, series(found).missing, found.lost) == ({fate: 3}, 0, False)


def test_blanked_and_discarded_rows_count(auditor: Auditor, consumer: Consumer, engine: Engine, accept: Any):
    """A row whose payload was forgotten, or that was discarded, is still a row."""
    consumer.consume("dlr", [accept(envelope("a"), b"garbage")])
    with engine.begin() as connection:
        connection.execute(update(deliveries).values(payload=None, digest=None))
        connection.execute(update(deliveries).where(deliveries.c.outcome == "dead").values(outcome="discarded"))
    found = auditor.audit()
    assert (series(found).rows, found.lost) == ({"applied": 1, "discarded": 1}, False)


def test_ids_are_found_wherever_they_are(auditor: Auditor, consumer: Consumer, engine: Engine, accept: Any):
    """Of the ids of 2xx answers: rows, waiting, and missing, each told."""
    ids = [str(uuid7()) for _ in range(4)]
    consumer.consume("dlr", [accept(envelope(ids[0]))])
    accept(envelope(ids[1]), envelope(ids[2]))
    told = auditor.audit([*ids, ids[0]]).against
    assert told is not None
    assert (told.told, told.rows, told.waiting, told.missing) == (4, 1, 2, (ids[3],))
    assert auditor.audit(ids).lost
    assert not auditor.audit(ids[:3]).lost


def test_an_id_that_retention_may_have_removed_is_no_loss(auditor: Auditor, engine: Engine):
    """It is older than the latest row that was removed: nobody can tell, and that is what is said."""
    with engine.begin() as connection:
        tally(connection, ("life", "dlr"), [(1, 5)], "removed", datetime.now(UTC) + timedelta(hours=1))
    told = auditor.audit([str(uuid7())]).against
    assert told is not None
    assert (told.removed, told.missing) == (1, ())


def test_clicks_never_told_are_the_gateways(auditor: Auditor, engine: Engine):
    """A counter that jumps is reported, and is no loss of ours."""
    Store(engine).write(LinkEvent("s", "u", "click", nth, NOW) for nth in (1, 2, 5))
    Store(engine).write([LinkEvent("s", "v", "view", 1, NOW)])
    found = auditor.audit()
    assert (found.link_gaps, found.lost) == ({"click": (1, 2)}, False)


def test_what_is_no_batch_is_no_ordinal(auditor: Auditor, consumer: Consumer, ledger: Ledger):
    """Something foreign in the ledger is a dead letter without an ordinal, and counted as such."""
    ledger.redis.hset("seven:batches", "odd", b"odd")
    ledger.redis.zadd("seven:pending:dlr", {"odd": 1})
    assert auditor.audit().unreadable == 1
    consumer.consume("dlr", ["odd"])
    found = auditor.audit()
    assert (found.unreadable, found.unnumbered, found.lost) == (0, 1, False)


def test_the_figures_are_metrics(auditor: Auditor, consumer: Consumer, engine: Engine, ledger: Ledger, accept: Any):
    """What an audit found is told to Prometheus, by queue, from whichever worker is asked."""
    metrics = CollectorRegistry()
    metrics.register(AuditMetrics(ledger.redis))
    assert generate_latest(metrics) == b""
    consumer.consume("dlr", [accept(*map(envelope, "abc"))])
    forget(engine, "b")
    accept(Envelope("p", "rcs", NOW, "JSON", {}), queue="parked")
    remember(ledger.redis, auditor.audit())
    told = generate_latest(metrics).decode()
    assert 'seven_audit_missing{queue="dlr"} 1.0' in told
    assert 'seven_audit_waiting{queue="parked"} 1.0' in told
    assert 'seven_audit_rows{outcome="applied",queue="dlr"} 2.0' in told
    assert "seven_audit_lost 1.0" in told
