"""Journal pass: measures which webhooks are absent by the gateway's journal, and in mode `apply` fetches them.

It waits while the oldest pending delivery is older than 15 minutes: what is absent may be in the ledger.
"""

from collections.abc import Callable, Iterator, Sequence, Set
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial

from gateway.hook_spans import Spans
from gateway.journal_client import JournalClient
from ledger.client import Ledger
from ledger.clock import now_ms
from operations.backfill import JournalOffer
from operations.journal_absence import MOST_BY_ID, AbsenceSearch
from operations.journal_count import JournalCount
from operations.journal_fetch import JournalFetch, due_rows
from operations.journal_presence import Key, known_now, last_tallied, present
from operations.journal_progress import Progress
from operations.journal_state import JournalState, JournalStates
from operations.webhook_meter import ON_ITS_WAY, Judged, WebhookMeter, awaited, forget_earlier, key_of_entry
from runtime.trusted_time import trusted_time
from seven.events import QUEUES
from seven.journal import JournalRow
from seven.message_reports import STATUSES
from seven.records import MissedWebhook
from store.database_info import clock
from store.projection_options import ProjectionOptions
from store.row_writer import Store

LATE = timedelta(hours=6)
"""After that mode `apply` fetches what the gateway still retries."""
_AT_ONCE = 500


@dataclass(frozen=True, slots=True)
class PassResult:
    """What one pass has read and noticed."""

    rows: int = 0
    requests: int = 0
    absent: int = 0
    """Webhooks that are not here, and a hook of ours should have brought them."""
    unwatched: int = 0
    """Webhooks that are not here, and no hook of ours was seen to cover them."""
    newly_missed: int = 0
    fetched: int = 0


@dataclass(frozen=True, slots=True)
class PassOptions:
    """What the settings decide about passes."""

    days: int
    applies: bool
    projection: ProjectionOptions


class JournalPass:
    """Passes over the journal of one account; who calls it has the lease."""

    def __init__(
        self, ledger: Ledger, store: Store, client: JournalClient, states: JournalStates, offer: JournalOffer
    ) -> None:
        self._ledger, self._store, self._client, self._states, self._offer = ledger, store, client, states, offer
        self._count, self._newly_missed = JournalCount(ledger.redis), 0

    def must_wait(self) -> bool:
        """Whether deliveries are pending for so long that they may be what is absent."""
        figures = self._ledger.figures(QUEUES)
        oldest = min((each.oldest_at for each in figures.queues.values() if each.oldest_at), default=None)
        return oldest is not None and oldest < figures.now - ON_ITS_WAY

    def run(
        self,
        options: PassOptions,
        check: Callable[[], object],
        pause: Callable[[float], object],
        *,
        at_once: bool = False,
    ) -> PassResult:
        """Make one pass. With `at_once` what is late is fetched now: the ledger has lost something.

        Raises ClocksDisagree before anything is read, since what is missed is decided by the time. Raises
        GatewayFailure, redis.RedisError, StoreAway or SQLAlchemyError, or what `check` raises; what was noticed before
        is on record, and the next pass reads the same again.
        """
        state, self._newly_missed, figures = self._states.load(), 0, self._ledger.figures(QUEUES)
        with self._store.engine.connect().execution_options(reads=True) as connection:
            self._count.resume(connection)
            clocks = {
                "the database": clock(connection),
                "Redis": figures.now,
                "this worker's machine": datetime.now(UTC),
            }
            now, tallied = trusted_time(clocks), last_tallied(connection)
            window = now - timedelta(days=options.days)
            meter = WebhookMeter(Spans.since(connection, window, self._states.account), now, state.connections)
        since = window if at_once else _since(state, window, now)
        anew = Progress(since.isoformat(), now.isoformat(), at_once, figures.life, tallied)
        progress = self._states.progress.begin(anew)
        search = AbsenceSearch(self._store.engine, self._client, self._states, meter, check)
        fetch = JournalFetch(self._store, self._offer, options.projection, now, check=check, pause=pause)
        due = now - (timedelta(0) if at_once else LATE)

        def absent(rows: Sequence[JournalRow], connections: Set[str]) -> None:
            knowing = meter.knowing(connections)
            self._judge(knowing, rows, check)
            if options.applies:
                fetch.add([row for row in due_rows(rows, due) if knowing.counts(row)])

        absence = search.run(window, progress, lambda here: self._came(meter, here), absent)
        self._judge_awaited(meter, window, check)
        if options.applies:
            for rows in self._unread_entries(fetch, window, due, check):
                fetch.add(rows)
        if absence.failure is not None:
            raise absence.failure
        result = PassResult(
            absence.rows, self._client.requests, absence.absent, absence.unwatched, self._newly_missed, fetch.fetched
        )
        self._states.save(
            JournalState(
                read_until=progress.until,
                ended_ms=now_ms(self._ledger.redis),
                life=figures.life,
                tallied=tallied,
                rows=result.rows,
                requests=result.requests,
                unwatched=result.unwatched,
                connections=meter.knowing(absence.connections).connections,
                unread=tuple(sorted(absence.unread)),
                shorter=tuple(sorted(absence.shorter)),
            )
        )
        self._states.progress.end()
        return result

    def _unread_entries(
        self, fetch: JournalFetch, since: datetime, due: datetime, check: Callable[[], object]
    ) -> Iterator[list[JournalRow]]:
        """Rows of webhooks that are due to be fetched, were not read in this pass, and whose records lack them."""
        lookups = 0
        for entries in self._awaited(since):
            with self._store.engine.connect().execution_options(reads=True) as connection:
                repaired = known_now(connection, entries)
            rows = []
            for entry in entries:
                is_due = entry.journal_at is not None and entry.journal_at <= due
                if is_due and not fetch.has(key_of_entry(entry)) and entry.key not in repaired and lookups < MOST_BY_ID:
                    check()
                    lookups += 1
                    row = self._client.row(entry.event_type, entry.id)
                    rows += [] if row is None else [row]
            yield rows

    def _awaited(self, since: datetime) -> Iterator[list[MissedWebhook]]:
        """What is late or missed, page by page; between two pages no connection is held."""
        after: tuple[str, ...] | None = None
        while True:
            with self._store.engine.connect().execution_options(reads=True) as connection:
                entries = awaited(connection, since, after, _AT_ONCE)
            yield entries
            if len(entries) < _AT_ONCE:
                return
            after = entries[-1].key

    def _came(self, meter: WebhookMeter, here: set[Key]) -> None:
        with self._store.engine.connect().execution_options(reads=True) as connection:
            judged = meter.judge_here(connection, here)
        self._write(judged)

    def _judge(self, meter: WebhookMeter, absent: Sequence[JournalRow], check: Callable[[], object]) -> None:
        for start in range(0, len(absent), _AT_ONCE):
            check()
            with self._store.engine.connect().execution_options(reads=True) as connection:
                judged = meter.judge(connection, absent[start : start + _AT_ONCE])
            self._store.transact(partial(forget_earlier, records=judged.records))
            self._write(judged)

    def _judge_awaited(self, meter: WebhookMeter, since: datetime, check: Callable[[], object]) -> None:
        for entries in self._awaited(since):
            check()
            arrived = self._without_an_id(meter, entries, check)
            with self._store.engine.connect().execution_options(reads=True) as connection:
                judged = meter.judge_awaited(connection, entries, arrived)
            self._write(judged)

    def _without_an_id(
        self, meter: WebhookMeter, entries: Sequence[MissedWebhook], check: Callable[[], object]
    ) -> set[Key]:
        """Those that would be missed now, and are not by what the journal says of them today.

        An inbound SMS may have come without its id; a message may have a later status, which is the one to wait for.
        """
        arrived: set[Key] = set()
        for entry in entries:
            is_passing = entry.event_type == "dlr" and not STATUSES.is_final(entry.status)
            if entry.state == "late" and meter.is_over(entry) and (is_passing or entry.event_type == "sms_mo"):
                check()
                row = self._client.row(entry.event_type, entry.id)
                if row is not None and is_passing and row.status != entry.status:
                    arrived.add((entry.event_type, entry.id, entry.status))
                elif row is not None:
                    with self._store.engine.connect().execution_options(reads=True) as connection:
                        arrived |= present(connection, [row], frozenset(), meter.now)
        return arrived

    def _write(self, judged: Judged) -> None:
        if not judged.records:
            return
        store = self._store.noting(self._store.demanded_topics())
        if not judged.newly_missed:
            store.write(judged.records)
            return
        note = self._count.begin(judged.newly_missed)
        store.write(judged.records)
        self._count.end(note, judged.newly_missed)
        self._newly_missed += len(judged.newly_missed)


def _since(state: JournalState, window: datetime, now: datetime) -> datetime:
    """Since when days are to be read by pages."""
    read_until = None if state.read_until is None else datetime.fromisoformat(state.read_until)
    is_usable = read_until is not None and read_until <= now  # or a clock was ahead
    return max(window, read_until) if read_until is not None and is_usable else window
