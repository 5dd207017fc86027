"""Change keys: the keys of changes, made of those of records, and read back.

Ids may contain spaces, so a key that joins several may be read in several ways: every one is given, and the rows show
which it was.
"""

from collections.abc import Iterator

LinkKey = tuple[str, str, str, int]
"""The id of the message, the short URL, click or view, and its number."""
MissedKey = tuple[str, str, str]
"""The event type, the gateway's id, and the status."""

NO_STATUS = "received"
"""How a missed webhook without a status stands."""


def call_key(direction: str, call_id: str) -> str:
    """The key of a call: its subject."""
    return f"{direction} {call_id}"


def call_keys(key: str) -> Iterator[tuple[str, str]]:
    """The direction and id of a call."""
    direction, _, call_id = key.partition(" ")
    yield direction, call_id


def link_key(sms_id: str, tracking_url: str, kind: str, nth: int) -> str:
    """The key of one click or view: the link's subject, and which it was."""
    return f"{sms_id} {tracking_url} {kind} {nth}"


def link_keys(key: str) -> Iterator[LinkKey]:
    """What the key of a click or view may be made of; nothing for what is no such key."""
    subject, _, which = key.rpartition(" ")
    subject, _, kind = subject.rpartition(" ")
    if which.isdecimal():
        parts = subject.split(" ")
        for cut in range(1, len(parts)):
            yield " ".join(parts[:cut]), " ".join(parts[cut:]), kind, int(which)


def missed_key(event_type: str, id_: str, status: str) -> str:
    """The key of a missed webhook; without its status where it has none."""
    return " ".join((event_type, id_, status)).rstrip()


def missed_keys(key: str, now: str) -> Iterator[MissedKey]:
    """What the key of a missed webhook that stands so may be made of."""
    event_type, _, rest = key.partition(" ")
    if rest.endswith(f" {now}"):
        yield event_type, rest.removesuffix(f" {now}"), now
    if now == NO_STATUS:
        yield event_type, rest, ""
