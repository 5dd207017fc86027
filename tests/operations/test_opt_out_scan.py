"""Opt-out scan: what was stored without opt-outs is found, from where the last pass ended, and nothing is overridden."""

import json
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import Engine, select

from ledger import keyspace
from ledger.client import Ledger
from operations.opt_out_scan import scan_texts
from operations.opt_out_scan_schedule import OptOutScan
from operations.opt_outs import add_opt_out
from seven.opt_out_words_file import built_in_words, read_opt_out_words
from seven.records import InboundMessage
from store.circuit_breaker import CircuitBreaker
from store.projection import project_batch
from store.projection_options import ProjectionOptions
from store.row_writer import Store
from store.schema import opt_outs
from tests.factories.changes import noted, subscribe
from tests.factories.dead_letters import batch_of
from tests.factories.envelopes import envelope
from tests.factories.rows import NOON

OPTIONS = ProjectionOptions(opt_out_words=built_in_words())


def states(engine: Engine) -> dict[str, str]:
    with engine.connect().execution_options(reads=True) as connection:
        return {row.number: row.state for row in connection.execute(select(opt_outs).order_by(opt_outs.c.since))}


def message(id_: str, text: str, number: int = 1, at: int = 0) -> InboundMessage:
    return InboundMessage(id_, f"491511111{number:04d}", None, text, NOON + timedelta(seconds=at), channel="sms")


def scheduled(
    ledger: Ledger, engine: Engine, options: ProjectionOptions = OPTIONS, longest_s: float = 20
) -> OptOutScan:
    return OptOutScan(ledger, Store(engine), CircuitBreaker(), options, longest_s=longest_s)


def test_texts_of_before(engine: Engine) -> None:
    """Over several pages; what is blanked or a sentence counts for nothing, nor does a START perhaps without a time."""
    texts = [message(f"{n:04d}", "hello", n) for n in range(1100)]
    texts += [message("a", "START", 7, 1), message("b", "STOP", 7), message("c", "STOP", 8), message("d", "", 9)]
    Store(engine).write(texts)
    result = scan_texts(Store(engine), OPTIONS)
    assert (result.texts, result.words) == (1103, 3)
    assert states(engine) == {"4915111110007": "out", "4915111110008": "out"}


def test_of_a_kept_delivery_as_a_worker_reads_it(engine: Engine) -> None:
    """The delivery says that the SMS has no time of its own: its START ends nothing."""
    fields = {"sender": "4915111110001", "system": None}
    lines = [
        envelope("a", "sms_mo", id="1", text="STOP", time=1777600000, timestamp=None, **fields).line(),
        envelope("b", "sms_mo", id="2", text="START", timestamp=None, **fields).line(),
    ]
    Store(engine).write(row for projection in project_batch(batch_of(*lines)) for row in projection.rows())
    assert states(engine) == {}
    scan_texts(Store(engine), OPTIONS)
    assert states(engine) == {"4915111110001": "out"}


def test_entries_by_hand_stay(engine: Engine) -> None:
    """A scan of older texts is a join: what people entered since stands."""
    Store(engine).write([message("1", "START")])
    Store(engine).transact(lambda connection: add_opt_out(connection, "4915111110001", "", "sms", "called"))
    scan_texts(Store(engine), OPTIONS)
    assert states(engine) == {"4915111110001": "out"}


def test_a_pass_goes_on_where_the_last_one_ended(ledger: Ledger, engine: Engine) -> None:
    """Killed after any page, the next pass begins there; once through, only what changed is read."""
    Store(engine).write(message(f"{n:04d}", "STOP" if n % 100 == 0 else "hello", n) for n in range(1200))
    requests: list[Any] = []
    first = scheduled(ledger, engine, longest_s=-1).run(lambda: requests.append(1))
    assert (first.texts, len(requests), len(states(engine))) == (500, 1, 5)
    assert json.loads(ledger.redis.get(keyspace.OPT_OUTS) or b"")["after"] == "0499"
    second = scheduled(ledger, engine).run(lambda: requests.append(2))
    assert (len(requests), len(states(engine))) == (1, 12)
    assert second.texts >= 700


def test_what_an_older_worker_stores_afterwards_is_found(ledger: Ledger, engine: Engine) -> None:
    """Beside newer workers, or after a roll-back: its id may lie anywhere."""
    Store(engine).write([message("5", "hello")])
    scheduled(ledger, engine).run()
    Store(engine).write([message("1", "STOP")])
    scheduled(ledger, engine).run()
    assert states(engine) == {"4915111110001": "out"}


def test_other_words_begin_again(ledger: Ledger, engine: Engine) -> None:
    """A word that is added finds its texts of before."""
    Store(engine).write([message("1", "genug")])
    assert scheduled(ledger, engine).run().words == 0
    options = ProjectionOptions(opt_out_words=read_opt_out_words('[de]\nstop = ["genug"]'))
    scheduled(ledger, engine, options).run()
    assert states(engine) == {"4915111110001": "out"}


@pytest.mark.parametrize("stored", [b"", b"[]", b"{", b'{"words": 1}', b'{"since": "x", "after": ""}'])
def test_a_position_that_is_none(ledger: Ledger, engine: Engine, stored: bytes) -> None:
    """Whatever Redis holds, the scan begins again."""
    ledger.redis.set(keyspace.OPT_OUTS, stored)
    Store(engine).write([message("1", "STOP")])
    scheduled(ledger, engine).run()
    assert states(engine) == {"4915111110001": "out"}


def test_subscribers_hear_of_what_is_found(engine: Engine) -> None:
    """Once: a second scan finds nothing that is news."""
    Store(engine).write([message("a", "STOP", 7)])
    subscribe(engine, "crm", "opt_out.started")
    for _ in range(2):
        scan_texts(Store(engine), OPTIONS)
        assert [(row.topic, row.key, row.now) for row in noted(engine)] == [("opt_out.started", "a", "out")]
