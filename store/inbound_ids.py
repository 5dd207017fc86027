"""Inbound ids: one space for all channels, as far as is known, so one id must never mix two people's messages.

A message whose id has another sender is refused, unless both are SMS: those merge, as they always have. Whichever
comes first keeps the id. Writers of one id must not race: on PostgreSQL, a transaction that writes more than SMS
waits for all others, by a lock that ends with it; writers of SMS alone do not wait for each other. SQLite has one
writer at a time.
"""

import json
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from sqlalchemy import ARRAY, Connection, Text, any_, bindparam, func, select, text

from seven.record import Record
from seven.records import InboundMessage
from store.advisory_locks import INBOUND_IDS
from store.errors import OTHERS_ID, IdTaken
from store.schema import inbound_messages

SMS = "sms"
_SHARED, _EXCLUSIVE = (text(f"SELECT pg_advisory_xact_lock{kind}({INBOUND_IDS})") for kind in ("_shared", ""))
_COLUMNS = (inbound_messages.c.id, inbound_messages.c.sender, inbound_messages.c.channel)
_AMONG = {
    "postgresql": select(*_COLUMNS).where(
        inbound_messages.c.id == any_(bindparam("ids", type_=ARRAY(Text(collation="C"))))
    ),
    "sqlite": select(*_COLUMNS).where(
        inbound_messages.c.id.in_(select(func.json_each(bindparam("ids")).table_valued("value").c.value))
    ),
}


class Owner(NamedTuple):
    """Whose message an id is."""

    sender: str | None
    channel: str | None

    def excludes(self, other: "Owner") -> bool:
        """Whether the two cannot be one message. A forgotten sender may be anybody of the same channel."""
        if self.channel == other.channel and (self.channel == SMS or None in (self.sender, other.sender)):
            return False
        return _digits(self.sender) != _digits(other.sender)


def _digits(sender: str | None) -> str | None:
    """A sender without the prefix of an international number."""
    return sender and sender.lstrip("+0")


def lock(connection: Connection, records: Iterable[Record]) -> None:
    """Keep other writers from writing messages that these records must not mix with, until the transaction ends."""
    channels = {record.channel for record in records if isinstance(record, InboundMessage)}
    if channels and connection.dialect.name == "postgresql":
        connection.execute(_SHARED if channels == {SMS} else _EXCLUSIVE)


def refuse_others(connection: Connection, records: Sequence[Record]) -> None:
    """Raise IdTaken if a message among these records has the id of another's, here or in the database; `lock` first."""
    if taken(connection, [[record] for record in records if isinstance(record, InboundMessage)]):
        raise IdTaken(OTHERS_ID)


def taken(connection: Connection, groups: Iterable[Iterable[Record]]) -> list[int]:
    """Which groups of records, if they are written in this order, have a message with the id of another's."""
    messages = [
        (index, record) for index, group in enumerate(groups) for record in group if isinstance(record, InboundMessage)
    ]
    if not messages:
        return []
    owners = _owners(connection, {record.id for _, record in messages})
    refused: dict[int, None] = {}
    for index, record in messages:
        owner = Owner(record.sender, record.channel)
        if owners.setdefault(record.id, owner).excludes(owner):
            refused[index] = None
    return list(refused)


def _owners(connection: Connection, ids: Iterable[str]) -> dict[str, Owner]:
    name = connection.dialect.name
    wanted = sorted(ids)
    rows = connection.execute(_AMONG[name], {"ids": wanted if name == "postgresql" else json.dumps(wanted)})
    return {row.id: Owner(row.sender, row.channel) for row in rows}
