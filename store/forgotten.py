"""Forgotten: the numbers whose erasure lasts, as hashes, and how writers keep them at hand.

An erasure writes a number here in the transaction that begins a generation (`store/fence.py`), before it searches. So a
writer that noted that generation knows the number, and one that did not is refused.
"""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, case, func, select

from seven.forgotten_numbers import ErasureKey, ForgottenNumbers
from seven.phone_numbers import COUNTRY_CODE
from store import fence
from store.database_info import clock
from store.schema import forgotten
from store.upsert import INSERT


class ForgottenRegister:
    """The forgotten numbers, read again only once an erasure has begun since; threads may share it."""

    def __init__(self, key: ErasureKey | None = None, country_code: int = COUNTRY_CODE) -> None:
        self.key, self._country_code = key, country_code
        self._read: tuple[int, ForgottenNumbers | None] | None = None

    def read(self, connection: Connection, generation: int | None = None) -> ForgottenNumbers | None:
        """The forgotten numbers of the current generation, or of a later one; None if there are none, or no key.

        `generation`: the current one, if the caller has just read it.
        """
        if self.key is None:
            return None
        if generation is None:
            generation = fence.current(connection)
        known = self._read
        if known is None or known[0] != generation:
            known = self._read = (generation, self._load(connection, self.key))
        return known[1]

    def _load(self, connection: Connection, key: ErasureKey) -> ForgottenNumbers | None:
        query = select(forgotten.c.hash, forgotten.c.at).where(forgotten.c.fingerprint == key.fingerprint)
        forgotten_at: dict[str, datetime] = {row.hash: row.at for row in connection.execute(query)}
        return ForgottenNumbers(key, forgotten_at, self._country_code) if forgotten_at else None


NO_REGISTER = ForgottenRegister()


def remember(connection: Connection, key: ErasureKey, number: str, until: datetime | None = None) -> None:
    """Write that a number is forgotten: now, or later if `until` is. Repeated, the latest time stands."""
    now = clock(connection)
    row = INSERT[connection.dialect.name](forgotten).values(
        hash=key.hash(number), at=max(now, until or now), fingerprint=key.fingerprint
    )
    latest = case((row.excluded.at > forgotten.c.at, row.excluded.at), else_=forgotten.c.at)
    connection.execute(row.on_conflict_do_update(index_elements=["hash"], set_={"at": latest}))


@dataclass(frozen=True, slots=True)
class HashCounts:
    """How many numbers are forgotten."""

    total: int
    of_other_keys: int
    """Those hashed by another key than the present one, or by any if there is none: they are not recognised."""


def count_hashes(connection: Connection, key: ErasureKey | None) -> HashCounts:
    """Count the forgotten numbers, and those that this key does not recognise."""
    query = select(func.count()).select_from(forgotten)
    total: int = connection.execute(query).scalar_one()
    if key is None:
        return HashCounts(total, total)
    ours: int = connection.execute(query.where(forgotten.c.fingerprint == key.fingerprint)).scalar_one()
    return HashCounts(total, total - ours)


class OptOutKeys:
    """Under which keys the opt-outs of numbers stand; for any number of them it reads the database once."""

    def __init__(self, connection: Connection, key: ErasureKey | None) -> None:
        counts = count_hashes(connection, key)
        self._key = key if counts.total else None
        self.is_certain = counts.of_other_keys == 0
        """Whether there are no others. Else an opt-out may stand under a hash that nobody here can compute."""

    def of(self, digits: str) -> tuple[str, ...]:
        """The keys of one number, given in digits with its country code."""
        return (digits,) if self._key is None else (digits, self._key.hash(digits))
