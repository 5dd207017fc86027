"""Dead letters: deliveries that were not applied, for the tests, and their rows."""

import gzip
import json
from typing import Any

from sqlalchemy import Engine, select

from ledger.batch import Batch, Header
from operations.dead_letters import Selection, read_failures, select_ids
from operations.replay import ReplaySummary, replay
from seven.archive_records import ArchivedDelivery
from seven.envelope import Envelope
from store.delivery_rows import Projection
from store.projection import project_batch
from store.row_writer import Store
from store.schema import dead_letters
from tests.factories.envelopes import NOW
from tests.factories.rows import stored_rows

ALL = Selection()


def batch_of(*lines: bytes, name: str = "b", queue: str = "dlr") -> Batch:
    return Batch(name, Header(queue, "l" * 32, 1, len(lines), NOW), list(lines))


def write(engine: Engine, *projections: Projection) -> None:
    Store(engine).write(row for projection in projections for row in projection.rows())


def dead(*envelopes: Envelope) -> list[Projection]:
    """Deliveries that are dead letters because of a fault that is fixed by now."""
    batch = batch_of(*(envelope.line() for envelope in envelopes))
    return [projection.dead("could not be projected: KeyError") for projection in project_batch(batch)]


def ids(engine: Engine, selection: Selection = ALL) -> list[str]:
    with engine.connect().execution_options(reads=True) as connection:
        return select_ids(connection, selection)


def replayed(engine: Engine, selection: Selection = ALL, **options: Any) -> ReplaySummary:
    summary = ReplaySummary()
    summary.add(replay(Store(engine), ids(engine, selection), **options))
    return summary


def delivery(engine: Engine, name: str) -> ArchivedDelivery:
    rows = [row for row in stored_deliveries(engine) if row.id == name]
    assert len(rows) == 1, f"{len(rows)} rows of {name}"
    return rows[0]


def stored_deliveries(engine: Engine) -> list[ArchivedDelivery]:
    return [ArchivedDelivery(*row) for row in stored_rows(engine)["deliveries"]]


def letters(engine: Engine) -> dict[str, Any]:
    with engine.connect().execution_options(reads=True) as connection:
        return {row.id: row for row in connection.execute(select(dead_letters))}


def history(engine: Engine, name: str) -> list[tuple[int, str | None]]:
    with engine.connect().execution_options(reads=True) as connection:
        return [(failure.attempt, failure.reason) for failure in read_failures(connection, [name])]


def stored(*lines: bytes, queue: str = "dlr", packed: bool = False) -> bytes:
    header = {"queue": queue, "life": "l" * 32, "first": 5, "accepted_ms": 1777600000000}
    header["packed" if packed else "count"] = len(lines)
    body = b"\n".join(lines)
    body = gzip.compress(body) if packed else body
    return json.dumps(header | {"bytes": len(body)}).encode() + b"\n" + body
