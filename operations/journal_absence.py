"""Journal absence: reads the journal's new days, and finds the rows whose webhook should be here and is not.

New days are read by pages once, with a day of margin; of older ones only what had no final status, by id.
"""

import random
from collections.abc import Callable, Iterator, Sequence, Set
from dataclasses import dataclass, field
from datetime import datetime
from typing import Self

from sqlalchemy import Engine

from gateway.api import GatewayFailure
from gateway.journal_client import MARGIN, JournalClient, NotListed
from gateway.journal_pages import Paging
from operations.journal_coverage import first_unlisted
from operations.journal_presence import Key, key_of, present, unapplied_ids
from operations.journal_progress import Progress
from operations.journal_state import JournalStates
from operations.webhook_meter import WebhookMeter
from seven.journal import JOURNALED, STATUSES, JournalRow

MOST_BY_ID = 5_000
"""Rows of one list that a pass reads by id."""
MOST_HELD = 20_000
"""Rows that stay in memory until it is known whether webhooks come for what is sent in their way."""

Came = Callable[[set[Key]], None]
Absent = Callable[[list[JournalRow], Set[str]], None]


@dataclass(slots=True)
class Absence:
    """What one pass has read."""

    rows: int = 0
    absent: int = 0
    """Rows whose webhook is not here, and a hook of ours should have brought it."""
    held: list[JournalRow] = field(default_factory=list)
    """Those of which is not known yet whether webhooks come for what is sent in their way."""
    unwatched: int = 0
    """Rows whose webhook is not here, and that no hook of ours was seen to cover."""
    connections: set[str] = field(default_factory=set)
    """How messages were handed to the gateway whose webhooks have come."""
    unread: set[str] = field(default_factory=set)
    """Event types whose list could not be read in full."""
    shorter: set[str] = field(default_factory=set)
    """Those whose list does not go back as far as the rows here."""
    failure: GatewayFailure | None = None
    """Why a list could not be read."""

    @classmethod
    def of(cls, progress: Progress) -> Self:
        """What a pass had read that was interrupted."""
        return cls(
            progress.rows,
            progress.absent,
            unwatched=progress.unwatched,
            connections=set(progress.connections),
            unread=set(progress.unread),
            shorter=set(progress.shorter),
        )


class AbsenceSearch:
    """The search of one pass. Raises redis.RedisError, SQLAlchemyError, or what `check` raises."""

    def __init__(
        self,
        engine: Engine,
        client: JournalClient,
        states: JournalStates,
        meter: WebhookMeter,
        check: Callable[[], object],
    ) -> None:
        self._progress = states.progress
        self._engine, self._client, self._states, self._meter, self._check = engine, client, states, meter, check

    def run(self, window: datetime, progress: Progress, came: Came, absent: Absent) -> Absence:
        """Search what was sent since `window`; pages of the range of the progress, from where it is.

        `came` gets what is here, `absent` the rows that are not, each with the connections of which webhooks come.

        A list that cannot be read leaves the others to be read; the failure is in the result.
        """
        since = datetime.fromisoformat(progress.since)
        absence = Absence.of(progress)
        with self._engine.connect().execution_options(reads=True) as connection:
            unapplied = unapplied_ids(connection, window)
        for event_type in JOURNALED:
            if progress.of(event_type).is_over:
                continue
            try:
                for rows in self._listed(event_type, progress, absence):
                    self._sort(rows, window, unapplied, absence, came)
                    self._release(absence, absent)
                    self._states.follow(event_type, self._open_rows(rows, window))
                self._states.trim(event_type, window)
                for row in self._by_id(event_type, since - MARGIN):
                    self._sort([row], window, unapplied, absence, came)
                    self._release(absence, absent)
                    if not self._open_rows([row], window):
                        self._states.unfollow(event_type, [row.id])
                progress.of(event_type).is_over = True
                self._save(progress, absence)
            except GatewayFailure as failure:
                absence.failure = absence.failure or failure
        self._release(absence, absent, all_=True)
        return absence

    def _listed(self, event_type: str, progress: Progress, absence: Absence) -> Iterator[list[JournalRow]]:
        since, until = datetime.fromisoformat(progress.since), datetime.fromisoformat(progress.until)
        of_list = progress.of(event_type)
        paging, oldest_at = Paging(of_list.place), _time(of_list.oldest_at)
        try:
            for page in self._client.pages(event_type, since, until, paging):
                self._check()
                of_list.place = paging.place
                of_list.oldest_at = None if oldest_at is None else oldest_at.isoformat()
                self._save(progress, absence)
                if page.invalid:
                    absence.unread.add(event_type)
                absence.rows += len(page.rows)
                oldest_at = page.oldest_at(oldest_at)
                yield page.rows
        except NotListed:
            absence.unread.add(event_type)
            return
        with self._engine.connect().execution_options(reads=True) as connection:
            if first_unlisted(connection, event_type, since, until, oldest_at, by_id=self._client.row) is not None:
                absence.shorter.add(event_type)

    def _sort(
        self,
        rows: Sequence[JournalRow],
        window: datetime,
        unapplied: frozenset[tuple[str, str]],
        absence: Absence,
        came: Came,
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
                absence.absent += 1
                absence.held.append(row)
            else:
                absence.unwatched += 1

    def _save(self, progress: Progress, absence: Absence) -> None:
        """Store how far it is, unless rows that were read have not been judged."""
        if not absence.held:
            progress.rows, progress.absent, progress.unwatched = absence.rows, absence.absent, absence.unwatched
            progress.connections, progress.unread = sorted(absence.connections), sorted(absence.unread)
            progress.shorter = sorted(absence.shorter)
            self._progress.save(progress)

    def _release(self, absence: Absence, absent: Absent, *, all_: bool = False) -> None:
        """Hand on the rows that can be judged: those sent in a way in which webhooks come, or all."""
        connections = absence.connections.union(self._meter.connections)
        all_ = all_ or len(absence.held) > MOST_HELD
        ready = [row for row in absence.held if all_ or row.connection is None or row.connection in connections]
        if ready:
            absence.held = [] if all_ else [row for row in absence.held if row.connection not in connections | {None}]
            absent(ready, connections)

    def _by_id(self, event_type: str, before: datetime) -> Iterator[JournalRow]:
        """Rows of before then that were not final when they were read, as they are now; of too many a random part."""
        ids = self._states.open_ids(event_type, before)
        for id_ in random.sample(ids, min(len(ids), MOST_BY_ID)):
            self._check()
            row = self._client.row(event_type, id_)
            if row is not None:
                yield row

    def _open_rows(self, rows: Sequence[JournalRow], window: datetime) -> list[tuple[str, datetime]]:
        """Those of the rows that have to be looked at again, with the times of their sending."""
        return [
            (row.id, row.at)
            for row in rows
            if row.at is not None
            and row.at >= window
            and row.event_type in STATUSES
            and not (_is_final(row) and self._meter.is_due(row))
        ]


def _time(text: str | None) -> datetime | None:
    return None if text is None else datetime.fromisoformat(text)


def _is_final(row: JournalRow) -> bool:
    statuses = STATUSES.get(row.event_type)
    return statuses is None or (row.status is not None and statuses.is_final(row.status))
