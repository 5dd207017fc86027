"""Digests: keys for records and deliveries that carry no id."""

import hashlib
import json
import re
from collections.abc import Mapping
from datetime import datetime
from json.encoder import encode_basestring_ascii
from typing import Any

DIGEST_LENGTH = 32
"""Characters of a `short_digest`; the vendor's own ids are shorter."""
SHORT_DIGEST = f"[0-9a-f]{{{DIGEST_LENGTH}}}"
"""As a regular expression."""


def short_digest(*parts: str | datetime | None) -> str:
    """32 hex digits for a record whose event carries no id. Times count in whole seconds, as the gateway sends them."""
    values = [int(part.timestamp()) if isinstance(part, datetime) else part for part in parts]
    return hashlib.sha256(json.dumps(values).encode()).hexdigest()[:DIGEST_LENGTH]


def id_or_digest(id_: str | None, *parts: str | datetime | None) -> str:
    """The vendor's id; where it is absent, empty or 0, a digest of these parts.

    They hold no time of the report: a repeat may renew it.
    """
    return short_digest(*parts) if id_ is None or id_ == "0" else id_


def rcs_content(
    sender: str | None,
    agent_id: str | None,
    at: datetime | None,
    text: str | None,
    *others: str | None,
) -> tuple[str | datetime | None, ...]:
    """What an RCS message is known by that has no id; `others`: postback, address of a file, and place, if any."""
    return "rcs", sender, agent_id, at, text, *(others or (None, None, None))


def is_short_digest(id_: str) -> bool:
    """Whether an id is a `short_digest`: the vendor's own ids are shorter."""
    return re.fullmatch(SHORT_DIGEST, id_) is not None


def delivery_digest(event_type: str | None, fields: Mapping[str, Any] | bytes) -> str:
    """sha256 of an event type and its canonical `data`: equal for repeats, in whichever format they were sent.

    A form writes every scalar as text and omits null, so canonical `data` does both. It excludes `webhook_timestamp`,
    which a retry may renew. Undecodable deliveries are digested by their bytes.
    """
    content = fields if isinstance(fields, bytes) else _canonical(fields).encode()
    return hashlib.sha256(f"{event_type}\n".encode("utf-8", "surrogatepass") + content).hexdigest()


_OMITTED = ("null", "{}")


def _canonical(value: Any) -> str:
    """The value as JSON with sorted names, each scalar as text, a list as an object of its indices; null for none."""
    if isinstance(value, str):
        return encode_basestring_ascii(value)
    if isinstance(value, list):
        value = {str(index): inner for index, inner in enumerate(value)}
    if isinstance(value, Mapping):
        parts = [
            f"{encode_basestring_ascii(name)}: {content}"
            for name in sorted(value)
            if (content := _canonical(value[name])) not in _OMITTED
        ]
        return f"{{{', '.join(parts)}}}"
    if isinstance(value, bool) or (isinstance(value, float) and value.is_integer()):
        return f'"{int(value)}"'
    return "null" if value is None else f'"{value}"'
