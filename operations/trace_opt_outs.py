"""Trace of opt-outs: how numbers stand, each standing with its history."""

from collections.abc import Iterable, Mapping
from typing import Any

from sqlalchemy import Connection, and_, select

from seven.forgotten_numbers import ErasureKey
from seven.opt_outs import opt_out_number
from store.forgotten import OptOutKeys
from store.schema import opt_out_events, opt_outs

_MOST = 100
_KEY = ("number", "recipient", "channel")


def opt_outs_of(
    connection: Connection,
    numbers: Iterable[str],
    inbound: Iterable[Mapping[str, Any]],
    country_code: int,
    erasure_key: ErasureKey | None,
) -> list[dict[str, Any]]:
    """The opt-outs of these numbers, and of who sent these messages; each has its `history`, the earliest first.

    With the key those of a forgotten number, too.
    """
    senders = (opt_out_number(row["sender"] or "", country_code, is_typed=False) for row in inbound)
    known = OptOutKeys(connection, erasure_key)
    keys = {key for number in {*numbers, *filter(None, senders)} for key in known.of(number)}
    query = select(opt_outs).where(opt_outs.c.number.in_(keys)).order_by(*opt_outs.primary_key).limit(_MOST)
    rows = [dict(row) for row in connection.execute(query).mappings()]
    for row in rows:
        of_row = and_(*(opt_out_events.c[name] == row[name] for name in _KEY))
        columns = [column for column in opt_out_events.c if column.name not in _KEY]
        events = connection.execute(select(*columns).where(of_row).order_by(opt_out_events.c.at)).mappings()
        row["history"] = [dict(event) for event in events]
    return rows
