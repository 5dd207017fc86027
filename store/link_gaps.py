"""Link gaps: clicks and views that the gateway counted and never reported, by its own counters, for the audit."""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import BigInteger, Connection, Select, case, cast, func, literal, null, select, union_all

from store.record_rows import among
from store.schema import link_events, links
from store.types import Time

COUNTERS = {"click": links.c.clicks, "view": links.c.views}
"""By kind, the greatest total of the gateway: any delivery of a link names both."""


def link_gaps(connection: Connection) -> dict[str, tuple[int, int]]:
    """By kind: the number of links with clicks or views that the gateway never reported, and the number of those.

    Retention removes the oldest events first. For a link older than every remaining event, only what follows its first
    remaining one counts.
    """
    both = union_all(*_counted(), _reported()).subquery("both")
    c = both.c
    # one row for each link and kind; of a link without such an event, or of an event without its link, one half is NULL
    link = (
        select(
            c.kind,
            func.max(c.total).label("total"),
            func.sum(c.reported).label("reported"),
            func.min(c.first).label("first"),
            func.max(c.first_at).label("first_at"),
        )
        .group_by(c.sms_id, c.tracking_url, c.kind)
        .subquery("link")
    )
    whole = link.c.first_at >= select(func.min(link_events.c.at)).scalar_subquery()
    removed = case((whole, 0), else_=func.coalesce(link.c.first - 1, link.c.total))
    unreported = (link.c.total - link.c.reported - removed).label("unreported")
    gaps = select(link.c.kind, unreported).subquery("gaps")
    query = (
        select(gaps.c.kind, func.count(), func.sum(gaps.c.unreported))
        .where(gaps.c.unreported > 0)
        .group_by(gaps.c.kind)
    )
    return {kind: (count, int(number)) for kind, count, number in connection.execute(query)}


def gaps_of(connection: Connection, rows: Sequence[Mapping[str, Any]]) -> list[dict[str, int]]:
    """Of each of a few rows of `links`: by kind, how many clicks or views the gateway never reported; only above 0."""
    if not rows:
        return []
    c = link_events.c
    keys = [(row["sms_id"], row["tracking_url"]) for row in rows]
    query = select(c.sms_id, c.tracking_url, c.type, func.count(), func.min(c.nth))
    query = query.where(among([c.sms_id, c.tracking_url], keys)).group_by(c.sms_id, c.tracking_url, c.type)
    reported = {tuple(key): (number, first) for *key, number, first in connection.execute(query)}
    earliest = connection.execute(select(func.min(c.at))).scalar()
    gaps: list[dict[str, int]] = []
    for row, key in zip(rows, keys, strict=True):
        whole = earliest is not None and row["first_at"] is not None and row["first_at"] >= earliest
        unreported = {}
        for kind, counter in COUNTERS.items():
            total = row[counter.name] or 0
            number, first = reported.get((*key, kind), (0, None))
            unreported[kind] = total - number - (0 if whole else total if first is None else first - 1)
        gaps.append({kind: number for kind, number in unreported.items() if number > 0})
    return gaps


def _counted() -> list[Select[Any]]:
    """The gateway's totals."""
    return [
        select(
            links.c.sms_id,
            links.c.tracking_url,
            literal(kind).label("kind"),
            counter.label("total"),
            literal(0).label("reported"),
            cast(null(), BigInteger).label("first"),
            links.c.first_at,
        ).where(counter > 0)
        for kind, counter in COUNTERS.items()
    ]


def _reported() -> Select[Any]:
    """The events that came."""
    c = link_events.c
    return select(
        c.sms_id,
        c.tracking_url,
        c.type,
        func.max(c.nth),
        func.count(),
        func.min(c.nth),
        cast(null(), Time),
    ).group_by(c.sms_id, c.tracking_url, c.type)
