"""Opt-outs for operators: who stands how, checks of many numbers at once, and entries that people make by hand."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import islice
from typing import Any

from sqlalchemy import Connection, func, select

from seven.opt_outs import CHANNELS, opt_out_entry
from seven.record import fold
from store.database_info import clock
from store.record_rows import KEYS_AT_ONCE
from store.row_writer import merge_rows
from store.schema import opt_outs

Row = dict[str, Any]
KeysOf = Callable[[str], Sequence[str]]
"""Under which keys the opt-outs of a number in digits may stand."""

_COLUMNS = [opt_outs.c[name] for name in ("number", "recipient", "channel", "state", "since", "word", "inbound_id")]
_WHOLE_LIST = 20_000
"""Numbers from which on all opt-outs are read once, instead of each number's: a million in seconds."""


@dataclass(frozen=True, slots=True)
class OptOutScope:
    """Of which recipient and channel opt-outs count; None for any. Those of all recipients always count."""

    recipient: str | None = None
    channel: str | None = None

    def has(self, recipient: str, channel: str) -> bool:
        """Whether an opt-out is in it."""
        return (self.recipient is None or recipient in (self.recipient, "")) and self.channel in (None, channel)


ANYWHERE = OptOutScope()


def digits_alone(number: str) -> Sequence[str]:
    """The keys of a number that was never forgotten: its digits."""
    return (number,)


def list_opt_outs(connection: Connection, *, ended: bool, scope: OptOutScope, limit: int) -> tuple[int, list[Row]]:
    """How many opt-outs stand, or with `ended` have ended, and the latest of them."""
    conditions = [opt_outs.c.state == ("in" if ended else "out")]
    if scope.recipient is not None:
        conditions.append(opt_outs.c.recipient.in_((scope.recipient, "")))
    if scope.channel is not None:
        conditions.append(opt_outs.c.channel == scope.channel)
    total: int = connection.execute(select(func.count()).select_from(opt_outs).where(*conditions)).scalar_one()
    latest = select(*_COLUMNS).where(*conditions).order_by(opt_outs.c.since.desc(), *opt_outs.primary_key).limit(limit)
    return total, [dict(row) for row in connection.execute(latest).mappings()]


def opted_out(
    connection: Connection, numbers: Iterable[str], scope: OptOutScope = ANYWHERE, keys_of: KeysOf = digits_alone
) -> Iterator[tuple[str, bool]]:
    """For each number, in digits and in their order, whether it has opted out of anything in the scope.

    Reads each number's rows by the table's key; of very many numbers, all opt-outs once.
    """
    remaining = iter(numbers)
    first = list(islice(remaining, _WHOLE_LIST))
    if len(first) == _WHOLE_LIST:
        everybody = _everybody(connection, scope)
        for number in _chained(first, remaining):
            yield number, not everybody.isdisjoint(keys_of(number))
        return
    for start in range(0, len(first), KEYS_AT_ONCE):
        portion = first[start : start + KEYS_AT_ONCE]
        keys = {number: tuple(keys_of(number)) for number in portion}
        rows = standings(connection, [key for of_number in keys.values() for key in of_number])
        out = {row["number"] for row in rows if row["state"] == "out" and scope.has(row["recipient"], row["channel"])}
        yield from ((number, not out.isdisjoint(keys[number])) for number in portion)


def standings(connection: Connection, keys: Sequence[str]) -> list[Row]:
    """How numbers stand with each recipient and channel, by the keys of their opt-outs."""
    rows: list[Row] = []
    for start in range(0, len(keys), KEYS_AT_ONCE):
        query = select(*_COLUMNS).where(opt_outs.c.number.in_(keys[start : start + KEYS_AT_ONCE]))
        rows += (dict(row) for row in connection.execute(query.order_by(*opt_outs.primary_key)).mappings())
    return rows


def add_opt_out(connection: Connection, key: str, recipient: str, channel: str | None, note: str) -> int:
    """Opt a number out by hand, by default on every channel. Returns how many standings that changed.

    The time is the database's, or that of a START that is dated later.
    """
    now, changed = clock(connection), 0
    known = {(row["recipient"], row["channel"]): row for row in standings(connection, [key])}
    for name in CHANNELS if channel is None else (channel,):
        stored = known.get((recipient, name))
        if stored and stored["state"] == "out":
            continue
        at = max(now, stored["since"]) if stored else now
        merge_rows(connection, fold(opt_out_entry((key, recipient, name), "out", at, note)))
        changed += 1
    return changed


def end_opt_outs(connection: Connection, keys: Sequence[str], scope: OptOutScope, note: str) -> tuple[int, int]:
    """End the opt-outs of a number in the scope by hand, or with a recipient those of it alone.

    Returns how many that were, and how many of all recipients still stand: who has opted out of everybody does not
    return to everybody by returning to one. The time is the database's, or the second after the STOP that it ends: of
    one second STOP would stand.
    """
    now, ended, standing = clock(connection), 0, 0
    for row in standings(connection, keys):
        if row["state"] != "out" or not scope.has(row["recipient"], row["channel"]):
            continue
        if scope.recipient not in (None, row["recipient"]):
            standing += 1
            continue
        at: datetime = max(now, row["since"] + timedelta(seconds=1))
        of = (row["number"], row["recipient"], row["channel"])
        merge_rows(connection, fold(opt_out_entry(of, "in", at, note)))
        ended += 1
    return ended, standing


def _everybody(connection: Connection, scope: OptOutScope) -> set[str]:
    columns = (opt_outs.c.number, opt_outs.c.recipient, opt_outs.c.channel)
    rows = connection.execute(
        select(*columns).where(opt_outs.c.state == "out"), execution_options={"yield_per": 10_000}
    )
    return {number for number, recipient, channel in rows if scope.has(recipient, channel)}


def _chained(first: Sequence[str], remaining: Iterator[str]) -> Iterator[str]:
    yield from first
    yield from remaining
