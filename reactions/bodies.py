"""Bodies: what is sent for claimed changes, or why nothing is."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError

from reactions.change import Change, matches, stable_id
from reactions.change_data import HealthData, HeartbeatData
from reactions.change_rows import read_changes
from reactions.reaction import Reaction
from seven.topics import HEALTH, HEARTBEAT
from store.error_reasons import database_reason
from store.notifications import ClaimedNotification
from store.row_writer import StoreAway
from store.settlements import Fate


@dataclass(frozen=True, slots=True)
class Body:
    """What is sent."""

    id: str
    """The change's own, the same with each attempt."""
    content: bytes
    """JSON."""


def no_finding(check: str) -> tuple[str, str]:  # noqa: ARG001 - as all are called
    """Nothing is known of a check."""
    return "", ""


class Bodies:
    """Makes the bodies of one store's changes. Threads may share it."""

    def __init__(self, engine: Engine, finding: Callable[[str], tuple[str, str]] = no_finding) -> None:
        """`finding` has the latest finding of a check of `status`, and its remedy."""
        self._engine, self._finding = engine, finding

    def read(self, claims: Sequence[ClaimedNotification], reaction: Reaction) -> list[Body | Fate]:
        """The body of each, from its record as it stands now, or what becomes of it instead. Raises StoreAway."""
        of_records = [claim for claim in claims if not _is_own(claim)]
        try:
            with self._engine.connect().execution_options(reads=True) as connection:
                read = iter(read_changes(connection, of_records, payload=reaction.payload))
        except SQLAlchemyError as error:
            raise StoreAway(database_reason(error)) from None
        changes = [self._own(claim) if _is_own(claim) else next(read) for claim in claims]
        return [_body(change, reaction) for change in changes]

    def _own(self, claim: ClaimedNotification) -> Change:
        """A change of this installation's health, or a heartbeat: of no record."""
        data: HealthData | HeartbeatData
        if claim.topic == HEARTBEAT:
            data = HeartbeatData(at=claim.at or claim.noted_at)
        else:
            finding, remedy = self._finding(claim.key)
            data = HealthData(check=claim.key, grade=claim.now, finding=finding, remedy=remedy)
        return Change(
            id=stable_id(claim.topic, claim.key, claim.now, claim.at),
            type=claim.topic,
            timestamp=claim.at,
            sequence=claim.seq,
            was=claim.was,
            now=claim.now,
            data=data,
        )


def _body(change: Change | None, reaction: Reaction) -> Body | Fate:
    if change is None:
        return Fate.SUPERSEDED
    return Body(change.id, change.body()) if matches(change, reaction.where) else Fate.FILTERED


def _is_own(claim: ClaimedNotification) -> bool:
    return claim.topic == HEARTBEAT or claim.topic in HEALTH
