"""Masking: what a viewer without the right to texts sees of columns that may show who somebody is, or what they wrote.

- A *number* keeps its country code and its last two digits; a short code or a name such as `Shop` is no person's.
- A *text* or payload keeps only its length.
- A *foreign id* is often a customer's number or e-mail address: it keeps its first and last two characters.
- A *URL* keeps its host: its path is the recipient's own, and opening it would count as a click.
- *Words* that others coin, such as labels and statuses, stay, but for what looks like a phone number.

- An *id* that is ours, for want of the gateway's, is hidden: it is a digest of numbers, and they can be tried.

Our own numbers are no person's, and ids that the gateway makes up (of messages, calls, deliveries) say nothing alone.
"""

import re
from collections.abc import Callable, Mapping
from typing import Any

import phonenumbers
from phonenumbers import NumberParseException

from operations.keyset import Row
from seven.digest import SHORT_DIGEST

HIDDEN = "•••"
SHORTEST_NUMBER = 7
"""Digits: fewer are a short code, a year or a count."""
LONGEST_HOST = 100

_DIGEST = re.compile(f"(?<![0-9A-Za-z]){SHORT_DIGEST}(?![0-9A-Za-z])")
_LOOKS_LIKE_NUMBER = re.compile(r"\+?\d(?:[ ()/.\-]{0,2}\d){6,}")
_LOOKS_LIKE_DAY = re.compile(r"(19|20)\d\d([-./]?)[01]\d\2[0-3]\d(\D.*)?", re.DOTALL)
_URL = re.compile(r"(?:https?://)?([^/?#\s]+)([/?#].*)?", re.DOTALL | re.IGNORECASE)


def masked_number(text: str) -> str:
    """`491512345678` as `+49…78`; a short code, and a name without digits, as it is."""
    figures = "".join(filter(str.isdigit, text))
    if len(figures) < SHORTEST_NUMBER:
        return text if "@" not in text and len(text) <= 20 else masked_id(text)
    international = text.strip().startswith(("+", "00")) or not figures.startswith("0")
    code = _country_code(figures.removeprefix("00")) if international else "0"
    return f"{code}…{figures[-2:]}"


def masked_text(text: str) -> str:
    """Only its length."""
    return f"{HIDDEN} ({len(text)} character{'' if len(text) == 1 else 's'})" if text else ""


def masked_id(text: str) -> str:
    """The first and the last two characters; of a short one nothing."""
    return f"{text[:2]}…{text[-2:]}" if len(text) > 7 else HIDDEN if text else ""


def masked_url(text: str) -> str:
    """The host; nothing of what is no URL."""
    match = _URL.fullmatch(text.strip())
    if match is None or "." not in match[1] or "@" in match[1]:
        return HIDDEN if text else ""
    host = match[1][:LONGEST_HOST]
    return f"{masked_words(host)}/…" if match[2] and match[2] != "/" else masked_words(host)


def masked_digests(text: str) -> str:
    """The text without ids that are digests of numbers."""
    return _DIGEST.sub(HIDDEN, text)


def masked_words(text: str) -> str:
    """The text with each phone number in it masked; a day such as 2026-03-29 is none."""
    return _LOOKS_LIKE_NUMBER.sub(
        lambda match: match[0] if _LOOKS_LIKE_DAY.fullmatch(match[0]) else masked_number(match[0]), text
    )


def masked_subject(text: str) -> str:
    """The id of a message or call; of a link its message's, and the short URL masked."""
    first, space, rest = text.partition(" ")
    if not space or first in ("inbound", "outbound"):
        return masked_digests(text)
    return f"{first} {masked_url(rest)}"


MASKS: Mapping[str, Callable[[str], str]] = {
    "sender": masked_number,
    "recipient": masked_number,
    "caller": masked_number,
    "number": masked_number,
    "text": masked_text,
    "postback": masked_text,
    "file_uri": masked_url,
    "file_name": masked_text,
    "word": masked_text,  # of an entry made by hand a note
    "payload": masked_text,
    "envelope": masked_text,
    "id": masked_digests,
    "call_id": masked_digests,
    "inbound_id": masked_digests,
    "message id": masked_digests,
    "foreign_id": masked_id,
    "foreign id": masked_id,
    "tracking_url": masked_url,
    "final_url": masked_url,
    "subject": masked_subject,
    "label": masked_words,
    "event_type": masked_words,
    "reason": masked_words,
    "remark": masked_words,
    "status": masked_words,
    "type": masked_words,
    "message_type": masked_words,
    "content_type": masked_words,
    "latitude": lambda place: place if place is None else HIDDEN,
    "longitude": lambda place: place if place is None else HIDDEN,
    "mime_type": masked_words,
    "summary": str,  # summarised masked, by `seven.summaries`
}
"""By name of a column, or by what a column of a named query is said to hold."""


_PLACES = frozenset({"latitude", "longitude"})
"""Numbers, unlike the others."""


def masked_row(row: Mapping[str, Any], ours: str | None = None) -> Row:
    """A row of a table, its columns named as in the schema, with what it may show of a person masked; histories, too.

    Our own number stays, in the column `ours`, by default that of a call, an inbound message or an opt-out; with an
    empty name, in none.
    """
    ours = ours if ours is not None else ("caller" if row.get("direction") == "outbound" else "recipient")
    return {name: value if name == ours else masked_value(name, value) for name, value in row.items()}


def masked_value(kind: str, value: Any) -> Any:
    """A value of a column of MASKS; of others as it is."""
    if isinstance(value, list):
        return [masked_row(entry) if isinstance(entry, Mapping) else entry for entry in value]
    if kind in MASKS and (isinstance(value, str) or kind in _PLACES):
        return MASKS[kind](value)
    return value


def _country_code(figures: str) -> str:
    try:
        return f"+{phonenumbers.parse(f'+{figures}').country_code}"
    except NumberParseException:
        return "+"
