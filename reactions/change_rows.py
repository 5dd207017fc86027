"""Change rows: makes changes of records as they stand now, many at a time, with one statement for each table.

What does not stand any more is superseded: its record is gone, or a later change has taken its place.
"""

import json
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from itertools import chain
from typing import Any

from sqlalchemy import ARRAY, Connection, Text, any_, bindparam, func, select

from reactions.change import Change, stable_id
from reactions.change_data import DATA, kind_of
from reactions.change_sources import SOURCES, RowKey, Values, rows_by_keys
from reactions.payload_value import payload_value
from store.notifications import ClaimedNotification
from store.rows_by_keys import key_values
from store.schema import deliveries

_PAYLOADS = {
    # an array, as a value that planner and executor know: partitions without any of these ids are not read
    "postgresql": select(deliveries.c.id, deliveries.c.payload).where(
        deliveries.c.id == any_(bindparam("ids", type_=ARRAY(Text(collation="C"))))
    ),
    "sqlite": select(deliveries.c.id, deliveries.c.payload).where(
        deliveries.c.id.in_(select(func.json_each(bindparam("ids")).table_valued("value").c.value))
    ),
}
_LONGEST_NUMBER = 32
"""Digits; what an opt-out has instead of a forgotten number is longer."""

Rows = Mapping[RowKey, Sequence[Values]]
"""By key; a message may have opted out of several numbers or channels."""


def read_changes(
    connection: Connection, claimed: Sequence[ClaimedNotification], *, payload: bool = False
) -> list[Change | None]:
    """Each of these changes with its record as it stands now, None where it is superseded, in their order.

    With `payload`, each also has what its delivery brought, as far as that is kept. Raises KeyError for health and
    heartbeat, which are about no record.
    """
    by_kind: dict[str, list[ClaimedNotification]] = defaultdict(list)
    for each in claimed:
        by_kind[kind_of(each.topic)].append(each)
    rows = {kind: _rows(connection, kind, changes) for kind, changes in by_kind.items()}
    standing = [_standing_row(each, rows[kind_of(each.topic)]) for each in claimed]
    pairs = list(zip(claimed, standing, strict=True))
    payloads = _payloads(connection, (each for each, row in pairs if row is not None)) if payload else None
    return [None if row is None else _change(each, row, payloads) for each, row in pairs]


def _rows(connection: Connection, kind: str, changes: Iterable[ClaimedNotification]) -> Rows:
    """The rows that these changes may be about."""
    source = SOURCES[kind]
    wanted = list(dict.fromkeys(chain.from_iterable(map(source.row_keys, changes))))
    rows: dict[RowKey, list[Values]] = defaultdict(list)
    if not wanted:
        return rows
    names = [column.name for column in source.keys]
    values = key_values(names, wanted, connection.dialect.name)
    for row in connection.execute(rows_by_keys(kind, connection.dialect.name), values).mappings():
        rows[tuple(row[f"key_{n}"] for n in range(len(names)))].append(row)
    return rows


def _standing_row(change: ClaimedNotification, rows: Rows) -> Values | None:
    source = SOURCES[kind_of(change.topic)]
    among = chain.from_iterable(rows.get(key, ()) for key in source.row_keys(change))
    return next((row for row in among if source.stands(change, row)), None)


def _change(claimed: ClaimedNotification, row: Values, payloads: Mapping[str, str] | None) -> Change:
    values = dict(row)
    if len(values.get("number") or "") > _LONGEST_NUMBER:
        values["number"] = None
    fields: dict[str, Any] = {
        "id": stable_id(claimed.topic, claimed.key, claimed.now, claimed.at),
        "type": claimed.topic,
        "timestamp": claimed.at,
        "sequence": claimed.seq,
        "was": claimed.was,
        "now": claimed.now,
        "data": DATA[kind_of(claimed.topic)](**values),
    }
    if payloads is not None:
        fields["payload"] = payload_value(payloads.get(claimed.delivery_id or ""))
    return Change(**fields)


def _payloads(connection: Connection, changes: Iterable[ClaimedNotification]) -> Mapping[str, str]:
    """The payloads that are kept, by the ids of the deliveries."""
    ids = sorted({each.delivery_id for each in changes if each.delivery_id})
    if not ids:
        return {}
    dialect = connection.dialect.name
    values = {"ids": ids if dialect == "postgresql" else json.dumps(ids)}
    return {row.id: row.payload for row in connection.execute(_PAYLOADS[dialect], values)}
