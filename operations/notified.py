"""Notified: which subscribers have been sent something about a person, as far as that is kept."""

from collections import Counter
from collections.abc import Iterable, Sequence

from sqlalchemy import ColumnElement, Connection, Engine, and_, func, or_, select

from operations.erasure_matches import Matches
from store.notification_rows import notification_rows
from store.replacement import SENT
from store.schema import notifications
from store.timed_transactions import transact

KEYS_AT_ONCE = 200


def notified_of(engine: Engine, matches: Matches) -> dict[str, int]:
    """How many changes each subscriber was sent of these records in the last days, by its name. Raises StoreAway."""
    subjects = sorted({" ".join(map(str, blanking.key)) for blanking in matches.records})
    return transact(engine, lambda connection, _: _notified(connection, subjects), reads=True) if subjects else {}


def _notified(connection: Connection, subjects: Sequence[str]) -> dict[str, int]:
    counts: Counter[str] = Counter()
    with notification_rows(connection) as rows:
        if rows is None:
            return {}
        for start in range(0, len(subjects), KEYS_AT_ONCE):
            counts.update(_sent(rows, subjects[start : start + KEYS_AT_ONCE]))
    return dict(sorted(counts.items()))


def _sent(connection: Connection, subjects: Sequence[str]) -> dict[str, int]:
    c = notifications.c
    about = or_(c.key.in_(subjects), *_below(subjects))
    query = select(c.reaction, func.count()).where(about, c.state == SENT).group_by(c.reaction)
    return {name: number for name, number in connection.execute(query)}  # noqa: C416 - rows are no tuples to mypy


def _below(subjects: Iterable[str]) -> list[ColumnElement[bool]]:
    """Keys that begin so, and have more: clicks of a link. "!" is the character after the space."""
    c = notifications.c
    return [and_(c.key > f"{subject} ", c.key < f"{subject}!") for subject in subjects if " " in subject]
