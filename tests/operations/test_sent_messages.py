"""Sent messages: any order of readings gives the same rows, and no reading brings back what was erased or is too old."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import permutations
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, Engine

from ledger.client import Ledger
from operations.sent_messages import SentMessages
from runtime.settings.retention import RetentionSettings
from seven.data_subject import message_id
from seven.forgotten_numbers import ErasureKey
from seven.records import SentMessage
from seven.timestamps import BERLIN
from store.fence import begin_generation
from store.forgotten import NO_REGISTER, ForgottenRegister
from store.row_writer import Store, StoreAway
from tests.factories.archive import LONG_AGO, change_times, put, rows
from tests.factories.traces import NUMBER, OTHERS, THEIRS, all_text
from tests.gateway.journal_stub import outbound
from tests.operations.erasures import erased

PAGE = Path(__file__).parents[2] / "docs/journal.md"
KEY = ErasureKey("a-key-that-only-tests-know")
NOW = datetime.now(UTC)


def ago(**span: float) -> str:
    return (NOW - timedelta(**span)).astimezone(BERLIN).strftime("%Y-%m-%d %H:%M:%S.250")


def listed(number: int, to: str = THEIRS, at: str | None = None, **changes: Any) -> Any:
    return outbound(number, at=at or ago(days=1), to=to, **changes)


def writer(engine: Engine, register: ForgottenRegister = NO_REGISTER, *, texts: bool = True) -> SentMessages:
    return SentMessages(engine, register, RetentionSettings(), texts=texts)


def stored(engine: Engine) -> dict[str, SentMessage]:
    return {row.msg_id: row for row in rows(engine).values() if isinstance(row, SentMessage)}


def test_what_was_sent_is_kept(engine: Engine):
    """Each message once, however often it is read; a reading without news changes nothing."""
    assert writer(engine).write([listed(1, label="spring"), {"id": "a word"}, "no row", listed(2, OTHERS)]) == 2
    before = stored(engine)
    assert (before["1"].recipient, before["1"].label, before["1"].price) == (THEIRS, "spring", Decimal("0.075"))
    assert writer(engine).write([listed(2, OTHERS), listed(1, label="spring")]) == 0
    assert stored(engine) == before


def test_who_sends_may_write_first(engine: Engine):
    """In any order of the sender's row and two readings the same row: label and text of whoever knows them."""
    results = []
    later = listed(1, price="0.08", text=None, foreign_id="order 7")

    def by_sender() -> None:
        theirs = SentMessage("1", recipient=THEIRS, label="spring", price=Decimal(1))
        Store(engine).write([theirs])

    for order in permutations(range(3)):
        put(engine, SentMessage("1"))
        steps: Sequence[Any] = (
            by_sender,
            lambda: writer(engine).write([listed(1)]),
            lambda: writer(engine).write([later]),
        )
        for step in order:
            steps[step]()
        writer(engine).write([later])
        results.append(replace(stored(engine)["1"], journal_read_at=None))
    assert len(set(results)) == 1
    assert (results[0].label, results[0].text, results[0].price) == ("spring", "Hello", Decimal("0.08"))
    assert (results[0].recipient, results[0].foreign_id) == (THEIRS, "order 7")


def test_the_documented_statements_join(engine: Engine):
    """Before the journal, after it, and twice: the same row, but for its time of sending, which is the earlier."""
    nth, table = (0, "seven.sent_messages") if engine.dialect.name == "postgresql" else (1, "sent_messages")
    statement = PAGE.read_text().split("```sql")[1 + nth].partition("```")[0]
    rows_after = []
    for steps in ("sj", "js", "ssjs"):
        with engine.begin() as connection:
            connection.exec_driver_sql(f"DELETE FROM {table}")
        for step in steps:
            if step == "j":
                writer(engine).write([listed(77229136789, "4915123456789", foreign_id="order 7")])
            else:
                with engine.begin() as connection:
                    connection.exec_driver_sql(statement)
        rows_after.append(replace(stored(engine)["77229136789"], journal_read_at=None))
    assert len(set(rows_after)) == 1
    assert (rows_after[0].label, rows_after[0].foreign_id) == ("spring", "order 7")


@pytest.mark.parametrize("dialect", ["sqlite"], indirect=True)
def test_the_documented_statement_writes_times_as_we_do(engine: Engine):
    """In one form: whoever compares texts compares times."""
    statement = PAGE.read_text().split("```sql")[2].partition("```")[0]
    with engine.begin() as connection:
        connection.exec_driver_sql(statement)
        (texts,) = connection.exec_driver_sql("SELECT sent_at, changed_at FROM sent_messages").all()
    for text in texts:
        assert datetime.fromisoformat(text).isoformat(" ", "microseconds") == text
    assert stored(engine)["77229136789"].sent_at == datetime.fromisoformat(texts[0])


def test_what_retention_has_removed_is_not_read_again(engine: Engine):
    """Neither messages older than theirs, nor texts older than theirs."""
    writer(engine).write([listed(1, at=ago(days=401)), listed(2, at=ago(days=91)), listed(3, at=ago(days=89))])
    assert {number: row.text for number, row in stored(engine).items()} == {"2": None, "3": "Hello"}
    assert writer(engine).write([listed(2, at=ago(days=91))]) == 0


def test_texts_are_kept_only_where_that_is_set(engine: Engine):
    """And a reading without them takes none away."""
    writer(engine, texts=False).write([listed(1)])
    assert stored(engine)["1"].text is None
    writer(engine).write([listed(1)])
    assert writer(engine, texts=False).write([listed(1)]) == 0
    assert stored(engine)["1"].text == "Hello"


def test_a_blanked_row_stays_blank(engine: Engine, ledger: Ledger):
    """Also without an erasure key: its message is known to have been read. What is not personal is still renewed."""
    writer(engine).write([listed(1), listed(2, OTHERS)])
    erased(engine, ledger)
    assert not NUMBER.is_in(all_text(engine))
    assert writer(engine).write([listed(1, foreign_id="order 7", price="0.08"), listed(2, OTHERS)]) == 1
    row = stored(engine)["1"]
    assert (row.recipient, row.text, row.foreign_id, row.price) == (None, None, None, Decimal("0.08"))
    assert stored(engine)["2"].recipient == OTHERS


@pytest.mark.parametrize(
    "theirs", [{"recipient": THEIRS}, {"foreign_id": f"of {THEIRS}"}], ids=["recipient", "foreign_id"]
)
def test_a_blanked_row_of_its_sender_stays_blank(engine: Engine, ledger: Ledger, theirs: dict[str, str]):
    """Which no reading of the journal had found before; a row of another person's is filled."""
    Store(engine).write([SentMessage("1", **theirs), SentMessage("2", recipient=OTHERS)])
    erased(engine, ledger)
    writer(engine).write([listed(1, foreign_id="order 7", price="0.08"), listed(2, OTHERS)])
    row = stored(engine)["1"]
    assert (row.recipient, row.text, row.foreign_id, row.price) == (None, None, None, Decimal("0.08"))
    assert (stored(engine)["2"].recipient, stored(engine)["2"].text) == (OTHERS, "Hello")


def test_a_row_erased_by_its_id_stays_blank(engine: Engine, ledger: Ledger):
    writer(engine).write([listed(1)])
    erased(engine, ledger, message_id("1"))
    assert writer(engine).write([listed(1)]) == 0
    assert stored(engine)["1"].recipient is None


def test_a_forgotten_number_is_blanked_on_its_way(engine: Engine, ledger: Ledger):
    """Of messages from before, in whatever column it stands; who is written to anew is kept."""
    erased(engine, ledger, key=KEY)
    register = ForgottenRegister(KEY)
    rows_before = [listed(1), listed(2, OTHERS, text=f"call {THEIRS}"), listed(3, at="2026-03-02 05:50:63")]
    assert writer(engine, register).write(rows_before) == 3
    assert not NUMBER.is_in(all_text(engine))
    assert (stored(engine)["2"].recipient, stored(engine)["2"].text) == (OTHERS, None)
    anew = (datetime.now(UTC) + timedelta(hours=1)).astimezone(BERLIN).strftime("%Y-%m-%d %H:%M:%S")
    writer(engine, register).write([listed(4, at=anew)])
    assert stored(engine)["4"].recipient == THEIRS


class _Erased(ForgottenRegister):
    """A register during whose reading so many erasures begin."""

    def __init__(self, engine: Engine, times: int) -> None:
        super().__init__(KEY)
        self.engine, self.times = engine, times

    def read(self, connection: Connection, generation: int | None = None) -> Any:
        forgotten = super().read(connection, generation)
        if self.times:
            self.times -= 1
            with self.engine.begin() as other:
                begin_generation(other)
        return forgotten


def test_an_erasure_that_begins_meanwhile_is_noticed(engine: Engine):
    """Nothing is written from what was known before it; the same rows are tried again, a few times."""
    assert writer(engine, _Erased(engine, 2)).write([listed(1)]) == 1
    with pytest.raises(StoreAway):
        writer(engine, _Erased(engine, 100)).write([listed(2)])
    assert list(stored(engine)) == ["1"]


def test_changed_at_moves_with_news_alone(engine: Engine):
    writer(engine).write([listed(1)])
    put(engine, stored(engine)["1"])
    writer(engine).write([listed(1)])
    assert change_times(engine)["sent_messages", ("1",)] == LONG_AGO
    writer(engine).write([listed(1, price="0.08")])
    assert change_times(engine)["sent_messages", ("1",)] > LONG_AGO
