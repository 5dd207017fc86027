"""Changes: deliveries whose records move, in any order, and what was noted of them."""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

from hypothesis import strategies as st
from sqlalchemy import Engine, insert, select

from ledger.batch import Batch, Header
from seven.envelope import Envelope
from seven.opt_out_words import OptOutWords
from seven.record import Record
from seven.topics import OF_RECORDS
from store.archive import first_id
from store.projection import project_batch
from store.projection_options import ProjectionOptions
from store.row_writer import Store, StoreAway
from store.schema import changes, reactions
from tests.servers import eventually

NOON = datetime(2026, 3, 29, 12, tzinfo=UTC)
EVERYTHING = frozenset(OF_RECORDS)
OPTIONS = ProjectionOptions(opt_out_words=OptOutWords({"out": ["stop"], "in": ["start"]}))
STATUSES = ("TRANSMITTED", "ACCEPTED", "BUFFERED", "DELIVERED", "NOTDELIVERED", "EXPIRED", "READ", "COINED")
NUMBER, OURS, URL = "4915123456789", "4915199999999", "https://go.example/1"


def at_second(second: int) -> int:
    return int(NOON.timestamp()) + second


SECONDS = st.integers(0, 5)
REPORTS = st.one_of(
    st.builds(
        lambda id_, status, second: ("dlr", {"msg_id": id_, "status": status, "timestamp": at_second(second)}),
        st.sampled_from(["77", "78"]), st.sampled_from(STATUSES), SECONDS,
    ),
    st.builds(
        lambda status, second: ("voice_status", {"id": "300", "status": status, "timestamp": at_second(second)}),
        st.sampled_from(["ringing", "answered", "completed", "busy"]), SECONDS,
    ),
    st.builds(lambda second: ("voice_call", {"id": "301", "caller": NUMBER, "time": at_second(second)}), SECONDS),
    st.builds(
        lambda id_, text, second: ("sms_mo", {"id": id_, "sender": NUMBER, "system": OURS, "text": text, "time": at_second(second)}),
        st.sampled_from(["901", "902", "903"]), st.sampled_from(["STOP", "START", "hello"]), SECONDS,
    ),
    st.builds(
        lambda kind, total, second: ("tracking", {"sms_id": "77", "tracking_url": URL, "type": kind, f"total_{kind}s": total}),
        st.sampled_from(["click", "view"]), st.integers(1, 3), SECONDS,
    ),
)  # fmt: skip

Report = tuple[str, dict[str, Any]]


def rows_of(reports: Iterable[Report], first: int = 0, sent_at: datetime = NOON) -> list[Record]:
    """What a worker writes for these deliveries, in one transaction."""
    rows: list[Record] = []
    for number, (event_type, data) in enumerate(reports, first):
        payload = {"webhook_event": event_type, "webhook_timestamp": sent_at.isoformat(), "data": data}
        name = f"{first_id(sent_at)}-7000-8000-{number:012d}"
        header = Header(event_type, "0" * 32, number + 1, 1, sent_at + timedelta(hours=1))
        batch = Batch("batch", header, [Envelope(name, event_type, sent_at, "JSON", payload).line()])
        rows += (row for projection in project_batch(batch, OPTIONS) for row in projection.rows())
    return rows


def write(
    engine: Engine,
    batches: Sequence[Sequence[Report]],
    topics: frozenset[str] = EVERYTHING,
    sent_at: datetime = NOON,
) -> None:
    """Write batches one after the other; a batch that lost every race is written again, as a worker does."""
    number = 0
    for batch in batches:
        eventually(partial(_is_written, Store(engine).noting(topics), rows_of(batch, number, sent_at)))
        number += len(batch)


def _is_written(store: Store, rows: Sequence[Record]) -> bool:
    try:
        store.write(rows)
    except StoreAway as error:
        if "always first" not in str(error):
            raise
        return False
    return True


def noted(engine: Engine) -> list[Any]:
    with engine.connect().execution_options(reads=True) as connection:
        return list(connection.execute(select(changes).order_by(changes.c.seq)))


def subscribe(engine: Engine, name: str, topics: str, state: str = "on") -> None:
    with engine.begin() as connection:
        connection.execute(insert(reactions).values(name=name, topics=topics, state=state, since=NOON))
