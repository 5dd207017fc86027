"""Deliveries that were not applied, for the tests, and what a database holds of them."""

import gzip
import json
from typing import Any

from sqlalchemy import Engine, select

from ledger.batch import Batch, Header
from operations.dead_letters import Selection, failures, selected
from operations.replay import Replayed, replay
from seven.envelope import Envelope
from seven.records import ArchivedDelivery
from store.projection import Projection, project_batch
from store.row_writer import Store
from store.schema import dead_letters
from tests.factories.envelopes import NOW
from tests.factories.rows import kept

ALL = Selection()


def batch_of(*lines: bytes, name: str = "b", queue: str = "dlr") -> Batch:
    return Batch(name, Header(queue, "l" * 32, 1, len(lines), NOW), list(lines))


def write(engine: Engine, *some: Projection) -> None:
    Store(engine).write(row for one in some for row in one.rows())


def dead(*envelopes: Envelope) -> list[Projection]:
    """Deliveries of which some fault of ours, mended today, made dead letters."""
    return [
        one.dead("could not be projected: KeyError") for one in project_batch(batch_of(*(e.line() for e in envelopes)))
    ]


def ids(engine: Engine, selection: Selection = ALL) -> list[str]:
    with engine.connect().execution_options(reads=True) as connection:
        return selected(connection, selection)


def replayed(engine: Engine, selection: Selection = ALL, **how: Any) -> Replayed:
    told = Replayed()
    told.add(replay(Store(engine), ids(engine, selection), **how))
    return told


def delivery(engine: Engine, name: str) -> ArchivedDelivery:
    found = [row for row in kept_deliveries(engine) if row.id == name]
    assert len(found) == 1, f"{len(found)} rows of {name}"
    return found[0]


def kept_deliveries(engine: Engine) -> list[ArchivedDelivery]:
    return [ArchivedDelivery(*row) for row in kept(engine)["deliveries"]]


def letters(engine: Engine) -> dict[str, Any]:
    with engine.connect().execution_options(reads=True) as connection:
        return {row.id: row for row in connection.execute(select(dead_letters))}


def history(engine: Engine, name: str) -> list[tuple[int, str | None]]:
    with engine.connect().execution_options(reads=True) as connection:
        return [(one.attempt, one.reason) for one in failures(connection, [name])]


def stored(*lines: bytes, queue: str = "dlr", packed: bool = False) -> bytes:
    header = {"queue": queue, "life": "l" * 32, "first": 5, "accepted_ms": 1777600000000}
    header["packed" if packed else "count"] = len(lines)
    body = b"\n".join(lines)
    body = gzip.compress(body) if packed else body
    return json.dumps(header | {"bytes": len(body)}).encode() + b"\n" + body
