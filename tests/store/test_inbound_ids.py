"""Inbound ids: one id never mixes two people's messages, whichever comes first and however writers race."""

import random
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from sqlalchemy import Engine

from seven.records import InboundMessage
from store.engine import create_store_engine
from store.errors import OTHERS_ID
from store.inbound_ids import Owner
from store.row_writer import Refused, Store
from tests.factories.rows import stored_rows

ANNA, BEN = "4915112345678", "447700900001"


def message(sender: str | None, channel: str, id_: str = "7", text: str = "yes") -> InboundMessage:
    return InboundMessage(id=id_, sender=sender, channel=channel, text=text)


@pytest.mark.parametrize(
    ("first", "second", "excluded"),
    [
        pytest.param((ANNA, "sms"), (BEN, "rcs"), True, id="an SMS, then another's RCS"),
        pytest.param((ANNA, "rcs"), (BEN, "sms"), True, id="an RCS, then another's SMS"),
        pytest.param((ANNA, "rcs"), (BEN, "rcs"), True, id="both RCS"),
        pytest.param((ANNA, "whatsapp"), (BEN, "rcs"), True, id="WhatsApp, then another's RCS"),
        pytest.param((ANNA, "sms"), (BEN, "sms"), False, id="both SMS merge, as ever"),
        pytest.param((ANNA, "sms"), (ANNA, "rcs"), False, id="one sender"),
        pytest.param((ANNA, "rcs"), (f"+{ANNA}", "rcs"), False, id="one sender, with a plus"),
        pytest.param((ANNA, "rcs"), (f"00{ANNA}", "rcs"), False, id="one sender, with zeros"),
        pytest.param((None, "rcs"), (ANNA, "rcs"), False, id="a forgotten sender, of the same channel"),
        pytest.param((None, "sms"), (ANNA, "rcs"), True, id="a forgotten sender, of another channel"),
    ],
)
def test_which_messages_exclude_each_other(first: Any, second: Any, excluded: bool, engine: Engine):
    """Another sender's message is refused, written together or after; the first one's row stays as it was."""
    assert Owner(*first).excludes(Owner(*second)) is Owner(*second).excludes(Owner(*first)) is excluded
    earlier, other = message(*first, text="the first"), message(*second, text="a second")
    store = Store(engine)
    if excluded:
        with pytest.raises(Refused, match=OTHERS_ID):
            store.write([earlier, other])
        assert stored_rows(engine)["inbound_messages"] == []
    store.write([earlier])
    before = stored_rows(engine)
    if excluded:
        with pytest.raises(Refused, match=OTHERS_ID):
            store.write([message("49301", "sms", "8"), other])
        assert stored_rows(engine) == before
    else:
        store.write([other])
        assert len(stored_rows(engine)["inbound_messages"]) == 1


def test_one_by_one_the_first_keeps_the_id(engine: Engine):
    """Of groups written together, each one whose id is another's is replaced; repeats of the owner's are not."""
    store = Store(engine)
    store.write([message(ANNA, "rcs", "1")])
    groups = [
        [message(BEN, "rcs", "1")], [message(ANNA, "rcs", "1")], [message(BEN, "sms", "2")],
        [message(ANNA, "whatsapp", "2")], [message(BEN, "sms", "2")],
    ]  # fmt: skip
    refused: list[tuple[int, str]] = []

    def replacement(index: int, reason: str) -> Sequence[InboundMessage]:
        refused.append((index, reason))
        return ()

    store.write_apart(groups, replacement)
    assert refused == [(0, OTHERS_ID), (3, OTHERS_ID)]
    assert [row[:2] for row in stored_rows(engine)["inbound_messages"]] == [("1", ANNA), ("2", BEN)]


def test_racing_writers_never_mix_two_people(database_url: str):
    """Workers that write one id at once, by different channels and of different people: each row is one person's."""
    people = {number: f"49151{number:07d}" for number in range(4)}
    channels = ("sms", "rcs", "whatsapp", "rcs")
    ids = [str(number) for number in range(60)]

    def work(worker: int) -> int:
        engine, chance, refused = create_store_engine(database_url), random.Random(worker), 0
        for _ in range(60):
            batch = [
                message(people[worker], channels[worker], id_, f"of {people[worker]}") for id_ in chance.sample(ids, 3)
            ]
            try:
                Store(engine).write(batch)
            except Refused:
                refused += 1
        engine.dispose()
        return refused

    with ThreadPoolExecutor(4) as threads:
        refused = sum(threads.map(work, range(4)))
    engine = create_store_engine(database_url)
    rows = stored_rows(engine)["inbound_messages"]
    engine.dispose()
    assert refused
    assert len(rows) > 20
    assert all(row[3] == f"of {row[1]}" for row in rows)
