"""Tally: what is in the database by now, in a few numbers."""

from dataclasses import dataclass

from sqlalchemy import Column, Connection, func, select

from store.schema import calls, deliveries, inbound_messages, links, messages


@dataclass(frozen=True, slots=True)
class Count:
    """How many of something, and what is worth saying beside it."""

    what: str
    how_many: int
    among_them: str = ""


def tally(connection: Connection) -> list[Count]:
    """Count every kind of record."""
    outcomes = _counted(connection, deliveries.c.outcome)
    results = _counted(connection, messages.c.result)
    directions = _counted(connection, calls.c.direction)
    linked, clicked, clicks = connection.execute(
        select(
            func.count(),
            func.count().filter(links.c.clicks > 0),
            func.coalesce(func.sum(links.c.clicks), 0),  # of totals of different links
        ).select_from(links)
    ).one()
    inbound = connection.execute(select(func.count()).select_from(inbound_messages)).scalar_one()
    return [
        Count("deliveries", sum(outcomes.values()), _listed(outcomes)),
        Count("messages", sum(results.values()), _listed(results)),
        Count("calls", sum(directions.values()), _listed(directions)),
        Count("inbound SMS", inbound),
        Count("links", linked, f"{clicked} clicked, {clicks} clicks"),
    ]


def deliveries_since(connection: Connection, first_id: str) -> int:
    """Deliveries whose id is this one or a later one: ids sort by time of receipt."""
    return connection.execute(select(func.count()).where(deliveries.c.id >= first_id)).scalar_one()


def _counted(connection: Connection, column: Column[str]) -> dict[str, int]:
    rows = connection.execute(select(column, func.count()).group_by(column).order_by(func.count().desc()))
    return {word or "unknown": number for word, number in rows}


def _listed(counted: dict[str, int]) -> str:
    return ", ".join(f"{number} {word}" for word, number in counted.items())
