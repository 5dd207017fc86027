"""Sent messages: keeps what the gateway's outbound list says of them, as far as settings and erasures allow.

The gateway forgets nobody, so a row that it lists again must not bring back what was erased here: a forgotten number is
known by its hash, where there is an erasure key, and a row that was read before and has no recipient was blanked. An
erasure marks rows as read that no reading had met.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Engine

from runtime.settings.retention import RetentionSettings
from seven.forgotten_numbers import ForgottenNumbers
from seven.journal import InvalidRow
from seven.record import Record, fold
from seven.records import SentMessage
from seven.sent_messages import sent_message
from store.database_info import clock
from store.fence import Fenced
from store.forgotten import ForgottenRegister
from store.forgotten_blanks import record_without_forgotten
from store.personal_columns import SENT
from store.record_rows import RowKey, read_records, row_key
from store.row_writer import Store, StoreAway, merge_rows

ATTEMPTS = 5
"""Each erasure that begins meanwhile costs one."""
ROWS_AT_ONCE = 500
_BLANK: dict[str, Any] = dict.fromkeys(SENT.columns)


class SentMessages:
    """Writes rows of the outbound list to `sent_messages`, each transaction within the fence of erasures."""

    def __init__(self, engine: Engine, register: ForgottenRegister, keep: RetentionSettings, *, texts: bool) -> None:
        """`keep`: what is older is not written; `texts`: whether to keep what was written to people."""
        self._store, self._keep, self._texts = Store(engine, register), keep, texts
        self.written = 0
        """How many messages it has written or changed."""

    def write(self, rows: Sequence[object]) -> int:
        """Write what is new in these rows, as they are listed. Returns the number of messages.

        Leaves out those that cannot be read. Raises StoreAway or Refused.
        """
        number = sum(self._write(rows[start : start + ROWS_AT_ONCE]) for start in range(0, len(rows), ROWS_AT_ONCE))
        self.written += number
        return number

    def _write(self, rows: Sequence[object]) -> int:
        for _ in range(ATTEMPTS):
            store = self._store.fenced()
            forgotten = store.forgotten
            try:
                return store.transact(lambda connection: self._merge(connection, rows, forgotten))  # noqa: B023 - at once
            except Fenced:
                continue
        raise StoreAway("one erasure after another")

    def _merge(self, connection: Connection, rows: Sequence[object], forgotten: ForgottenNumbers | None) -> int:
        now = clock(connection)
        listed = fold(self._records(rows, now, forgotten))
        known: Mapping[RowKey, Record] = read_records(connection, map(row_key, listed))
        news = [
            record
            for each in listed
            if isinstance(each, SentMessage) and (record := _news(each, known.get(row_key(each)))) is not None
        ]
        merge_rows(connection, news)
        return len(news)

    def _records(self, rows: Sequence[object], now: datetime, forgotten: ForgottenNumbers | None) -> list[Record]:
        oldest, oldest_text = self._keep.before("sent_messages", now), self._keep.before("sent_texts", now)
        records: list[Record] = []
        for row in rows:
            try:
                record = sent_message(row, now, texts=self._texts)
            except InvalidRow:  # counted where it is compared
                continue
            if oldest is None or record.sent_at is None or record.sent_at >= oldest:
                if oldest_text and record.sent_at and record.sent_at < oldest_text:
                    record = replace(record, text=None)
                records.append(record_without_forgotten(record, record.sent_at, forgotten))
        return records


def was_blanked(message: SentMessage) -> bool:
    """Whether `forget` has blanked a row: each message that the journal lists has a recipient."""
    return message.journal_read_at is not None and message.recipient is None


def _news(record: SentMessage, known: Record | None) -> SentMessage | None:
    """What to write of a record; None where it says nothing that is not here."""
    if not isinstance(known, SentMessage):
        return record
    if known.journal_read_at is None:
        return record
    if was_blanked(known):
        record = replace(record, **_BLANK)
    merged = known.merge(record)
    return None if replace(merged, journal_read_at=known.journal_read_at) == known else record
