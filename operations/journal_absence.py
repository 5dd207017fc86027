"""Journal absence: reads the journal's new days, and finds the rows whose webhook should be here and is not.

New days are read by pages once, with a day of margin; of older ones only what had no final status, by id.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from sqlalchemy import Engine

from gateway.journal_client import JournalClient, NotListed
from operations.journal_presence import Key, key_of, present, unapplied_ids
from operations.journal_state import JournalStates
from operations.webhook_meter import WebhookMeter
from seven.call_reports import STATUSES as CALL_STATUSES
from seven.journal import JOURNALED, JournalRow
from seven.message_reports import STATUSES as MESSAGE_STATUSES

MARGIN = timedelta(days=1)
MOST_BY_ID = 5_000
"""Rows of one list that a pass reads by id."""
_STATUSES = {"dlr": MESSAGE_STATUSES, "voice_status": CALL_STATUSES}


@dataclass(slots=True)
class Absence:
    """What one pass has read. Rows that are absent stay in memory: what an outage has cost, not what was sent."""

    rows: int = 0
    absent: list[JournalRow] = field(default_factory=list)
    """Rows whose webhook is not here, and a hook of ours should have brought it."""
    unwatched: int = 0
    """Rows whose webhook is not here, and that no hook of ours was seen to cover."""
    connections: set[str] = field(default_factory=set)
    """How messages were handed to the gateway whose webhooks have come."""
    unread: list[str] = field(default_factory=list)
    """Event types whose list could not be read in full."""


class AbsenceSearch:
    """The search of one pass. Raises GatewayFailure, redis.RedisError, SQLAlchemyError, or what `check` raises."""

    def __init__(
        self,
        engine: Engine,
        client: JournalClient,
        states: JournalStates,
        meter: WebhookMeter,
        check: Callable[[], object],
    ) -> None:
        self._engine, self._client, self._states, self._meter, self._check = engine, client, states, meter, check

    def run(self, window: datetime, read_until: datetime | None, came: Callable[[set[Key]], None]) -> Absence:
        """Search what was sent since `window`; pages since a day before `read_until`. `came` gets what is here."""
        since = window if read_until is None else max(window, read_until - MARGIN)
        absence = Absence()
        with self._engine.connect().execution_options(reads=True) as connection:
            unapplied = unapplied_ids(connection, window)
        for event_type in JOURNALED:
            for rows in self._listed(event_type, since, absence):
                self._check()
                self._sort(rows, window, unapplied, absence, came)
                self._states.follow(event_type, _open_rows(rows, window))
            self._states.trim(event_type, window)
            for row in self._by_id(event_type, since):
                self._sort([row], window, unapplied, absence, came)
        return absence

    def _listed(self, event_type: str, since: datetime, absence: Absence) -> Iterator[list[JournalRow]]:
        try:
            for page in self._client.pages(event_type, since, self._meter.now):
                if page.invalid and event_type not in absence.unread:
                    absence.unread.append(event_type)
                absence.rows += len(page.rows)
                yield page.rows
        except NotListed:
            absence.unread.append(event_type)

    def _sort(
        self,
        rows: Sequence[JournalRow],
        window: datetime,
        unapplied: frozenset[tuple[str, str]],
        absence: Absence,
        came: Callable[[set[Key]], None],
    ) -> None:
        """Sort rows of one list by whether their webhook is here."""
        due = [row for row in rows if self._meter.is_due(row) and (row.at is None or row.at >= window)]
        with self._engine.connect().execution_options(reads=True) as connection:
            here = present(connection, due, unapplied, self._meter.now)
        came(here)
        for row in due:
            if key_of(row) in here:
                absence.connections.update([row.connection] if row.connection else [])
            elif self._meter.is_covered(row):
                absence.absent.append(row)
            else:
                absence.unwatched += 1

    def _by_id(self, event_type: str, before: datetime) -> Iterator[JournalRow]:
        """Rows of before then that had no final status when they were read, as they are now."""
        for id_ in self._states.open_ids(event_type, before)[:MOST_BY_ID]:
            self._check()
            row = self._client.row(event_type, id_)
            if row is None or _is_final(row):
                self._states.unfollow(event_type, [id_])
            if row is not None:
                yield row


def _open_rows(rows: Sequence[JournalRow], window: datetime) -> list[tuple[str, datetime]]:
    return [(row.id, row.at) for row in rows if row.at is not None and row.at >= window and not _is_final(row)]


def _is_final(row: JournalRow) -> bool:
    statuses = _STATUSES.get(row.event_type)
    return statuses is None or (row.status is not None and statuses.is_final(row.status))
