"""Erasure: find and blank all stored data about one person, and search again until nothing is found.

Joins fill blank columns, so a batch that is pending in the ledger would write the data again once a worker consumes
it. An erasure waits for such batches and does not change them: a batch and its ordinals belong to its consumer.
A worker that took such a batch and stalled cannot write it later: each pass puts up a fence (`store/fence.py`).

With an erasure key the erasure of a number lasts: its hash is written before the first search, in the transaction that
puts up the fence. From then on workers blank what comes in again (`store/forgotten_blanks.py`).
"""

import secrets
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import datetime
from itertools import groupby

from sqlalchemy import Connection, Engine

from ledger.client import Ledger
from operations.erasure_matches import Erasure, Matches
from operations.person_search import PersonSearch
from seven.data_subject import DataSubject, Number
from seven.forgotten_numbers import PSEUDONYM, ErasureKey
from store.fence import begin_generation, is_left
from store.forgotten import remember
from store.forgotten_notifications import remove_orphans
from store.forgotten_opt_outs import count_opt_outs, move_opt_outs
from store.personal_columns import SENT, PersonalColumns
from store.personal_data import Blanking, Row, blank_rows, portions, size, values_of_others
from store.row_writer import Store, StoreAway
from store.schema import messages
from store.transactions import TRANSACTION_S

MAX_PASSES = 5
"""Data that arrives again and again is left to another run."""
WAIT_S = 60.0
POLL_INTERVAL_S = 0.5
FENCE_S = 2 * TRANSACTION_S
MIN_PAUSE_S = 0.1
"""Between two transactions: workers come first."""


class Eraser:
    """Finds and blanks the data about one person. Raises StoreAway, SQLAlchemyError or RedisError."""

    def __init__(self, engine: Engine, ledger: Ledger, person: DataSubject, key: ErasureKey | None = None) -> None:
        self._engine, self._ledger, self._person, self._key = engine, ledger, person, key
        self._number = person if isinstance(person, Number) else None
        self._random_pseudonyms: defaultdict[str, str] = defaultdict(lambda: PSEUDONYM + secrets.token_hex(16))
        self.on_progress: Callable[[int], None] = lambda _: None
        """Takes the number of rows searched since the last call; may raise to stop the search."""

    @property
    def lasts(self) -> bool:
        """Whether repeats of deliveries bring nothing back: of a number, with a key."""
        return self._key is not None and self._number is not None

    def size(self) -> int:
        """The number of rows that one search reads."""
        return size(self._engine)

    def find(self) -> Matches:
        """Find all stored data about the person. Writes nothing."""
        matches, search = Matches(), PersonSearch(self._engine, self._ledger, self._person)
        search.on_progress = self.on_progress
        matches.records = list(self._record_blankings(search))
        for batch_id, number in search.pending():
            matches.batches.append(batch_id)
            matches.waiting += number
        matches.deliveries = [match.blanking for match in search.deliveries() if match.blanking]
        matches.until = search.latest_at
        if self._key is not None and self._number is not None:
            matches.opt_outs = count_opt_outs(self._engine, self._key, self._number)
        return matches

    def erase(
        self,
        erasure: Erasure,
        wait_s: float = WAIT_S,
        pause: Callable[[float], None] = time.sleep,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Blank, wait for pending batches and search again until a search finds nothing, `MAX_PASSES` times at most.

        Counts in `erasure` what it does. An erasure may be interrupted at any moment, and another run does the rest:
        rows that link other rows to the person are blanked last.
        """
        until = clock() + wait_s
        while True:
            self._fence_off(pause, clock)
            erasure.left = self.find() or None
            erasure.passes += 1
            if erasure.left is None or erasure.passes >= MAX_PASSES:
                remove_orphans(self._engine)
                return
            self._move_opt_outs(erasure)
            for portion in portions([*erasure.left.deliveries, *_erasable(erasure.left)]):
                counts = self._blank(portion)
                table = portion[0].personal.table.name
                erasure.blanked[table] += counts["blanked"]
                erasure.removed[table] += counts["removed"]
                pause(MIN_PAUSE_S)
            self.on_progress(0)
            batches = erasure.left.batches
            while batches := self._ledger.existing(batches):
                if clock() >= until:
                    erasure.left = Matches(batches=batches, waiting=erasure.left.waiting)
                    return
                self.on_progress(0)
                pause(POLL_INTERVAL_S)

    def _fence_off(self, pause: Callable[[float], None], clock: Callable[[], float]) -> None:
        """Refuse the rows of batches that workers have taken by now, and wait for transactions that have begun.

        Those end within a minute. Raises StoreAway if any does not.
        """
        store = Store(self._engine)
        ended = store.transact(self._begin)
        until = clock() + FENCE_S
        while not store.transact(lambda connection: is_left(connection, ended)):
            if clock() >= until:
                raise StoreAway("a transaction that began before does not end")
            self.on_progress(0)
            pause(POLL_INTERVAL_S)

    def _begin(self, connection: Connection, until: datetime | None = None) -> int:
        """Begin a generation of workers who know the number. Returns the one that ends."""
        if self._key is not None and self._number is not None:
            remember(connection, self._key, self._number.digits, until)
        return begin_generation(connection)

    def _move_opt_outs(self, erasure: Erasure) -> None:
        """Put the number's opt-outs under its hash.

        Before any row is blanked, and with it the times of all that will be: events may be ahead of the database's
        clock, and their repeats are old all the same.
        """
        key, number, left = self._key, self._number, erasure.left
        if key is None or number is None or left is None:
            return
        Store(self._engine).transact(lambda connection: self._begin(connection, left.until))
        for table, rows in Store(self._engine).transact(lambda connection: move_opt_outs(connection, key, number)):
            erasure.blanked[table] += rows

    def _pseudonym(self, key: str) -> str:
        """What replaces a key made of personal data; where the erasure lasts, repeats get the same."""
        return self._key.pseudonym(key) if self._key and self.lasts else self._random_pseudonyms[key]

    def _record_blankings(self, search: PersonSearch) -> Iterator[Blanking]:
        """The changes to the person's records.

        Messages come late, since links are found by them only, and what was sent last, since messages are found by it.
        """
        last: list[Blanking] = []
        sent: list[Blanking] = []
        for personal, of_table in groupby(search.records(), key=lambda match: match.personal):
            theirs: list[tuple[Blanking, Row]] = []
            for match in of_table:
                if not (blanking := match.blanking):
                    continue
                if blanking.renamed:
                    blanking = replace(blanking, pseudonym=self._pseudonym(match.row[blanking.renamed]))
                if personal.table is messages:
                    last.append(blanking)
                elif personal.shared:
                    theirs.append((blanking, match.row))
                else:
                    yield blanking
            unshared = self._without_shared(search, personal, theirs)
            if personal is SENT:
                sent += unshared
            else:
                yield from unshared
        yield from last
        yield from sent

    def _without_shared(
        self, search: PersonSearch, personal: PersonalColumns, theirs: list[tuple[Blanking, Row]]
    ) -> Iterator[Blanking]:
        """The blankings without what messages or links of other people have, too, unless it names the person."""
        message = next(iter(personal.table.primary_key))
        ids = {row[message.name] for _, row in theirs}
        shared = {
            name: values_of_others(
                self._engine,
                personal.table.c[name],
                message,
                {row[name] for blanking, row in theirs if name in blanking.columns},
                ids,
            )
            for name in personal.shared
        }
        for blanking, row in theirs:
            stays = [name for name in shared if row[name] in shared[name] and not search.names_person(name, row)]
            kept = blanking.without(stays)
            if kept.columns or kept.renamed:
                yield kept

    def _blank(self, portion: list[Blanking]) -> dict[str, int]:
        return Store(self._engine).transact(lambda connection: blank_rows(connection, portion))


def _erasable(matches: Matches) -> list[Blanking]:
    """The records to blank now: what was sent, once no batch is left whose deliveries are found by it only."""
    return [blanking for blanking in matches.records if not matches.batches or blanking.personal is not SENT]
