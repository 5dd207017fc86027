"""Opt-outs: each standing is the latest entry of its history, also where an earlier repeat has replaced an undated one.

The join of the standing alone cannot take back what an undated repeat said: a STOP without a time, repeated after a
START, would opt out again. So each written standing is read again from its history, which keeps the earliest repeat.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Any

from sqlalchemy import Connection, bindparam, select, update

from seven.opt_outs import standing_by
from seven.record import JOINS
from seven.records import OptOut, OptOutEvent
from store.schema import opt_out_events, opt_outs

_AT_ONCE = 500  # SQLite bounds a statement's parameters
_KEY = ("number", "recipient", "channel")
_STANDING = ("state", "word", "since", "inbound_id")
_UPDATE = (
    update(opt_outs)
    .where(*(opt_outs.c[name] == bindparam(f"its_{name}") for name in _KEY))
    .values({name: bindparam(name) for name in _STANDING})
)

Key = tuple[str, str, str]


def settle_standings(connection: Connection, rows: Sequence[OptOut], now: Any) -> None:
    """Let these standings, just merged in the current transaction, be the latest entry of their histories.

    The merge has locked their rows: who adds to the history meanwhile merges into the row afterwards.
    """
    keys = {(row.number, row.recipient, row.channel) for row in rows}
    numbers = sorted({number for number, *_ in keys})
    for start in range(0, len(numbers), _AT_ONCE):
        among = numbers[start : start + _AT_ONCE]
        latest = _latest(connection, among)
        stored = {key: row for key, row in _stored(connection, among).items() if key in keys}
        changes = [
            {f"its_{name}": value for name, value in zip(_KEY, key, strict=True)}
            | {name: getattr(latest[key], name) for name in _STANDING}
            for key, row in stored.items()
            if key in latest and latest[key] != row
        ]
        if changes:
            connection.execute(_UPDATE.values(changed_at=now), changes)


def _latest(connection: Connection, numbers: Sequence[str]) -> dict[Key, OptOut]:
    """What the history says of each key of these numbers."""
    columns = [opt_out_events.c[name] for name in JOINS[OptOutEvent].field_joins]
    rows = connection.execute(select(*columns).where(opt_out_events.c.number.in_(numbers)))
    return latest_standings(OptOutEvent(*row) for row in rows)


def latest_standings(events: Iterable[OptOutEvent]) -> dict[Key, OptOut]:
    """How each key stands by its whole history."""
    standings: dict[Key, list[OptOut]] = defaultdict(list)
    for event in events:
        if standing := standing_by(event):
            standings[event.number, event.recipient, event.channel].append(standing)
    return {key: _merged(of_key) for key, of_key in standings.items()}


def _merged(standings: Sequence[OptOut]) -> OptOut:
    merged = standings[0]
    for standing in standings[1:]:
        merged = merged.merge(standing)
    return merged


def _stored(connection: Connection, numbers: Sequence[str]) -> dict[Key, OptOut]:
    columns = [opt_outs.c[name] for name in JOINS[OptOut].field_joins]
    rows = connection.execute(select(*columns).where(opt_outs.c.number.in_(numbers)))
    return {(row.number, row.recipient, row.channel): OptOut(*row) for row in rows}
