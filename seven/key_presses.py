"""Key presses: masks the keys that were pressed in a call wherever a delivery has them, for they may be a PIN.

Deliveries of `voice_dtmf`, and of event types that are unknown, are taken to have any; others have by a field's name.
"""

import json
from collections.abc import Callable, Mapping
from typing import Any

from seven.event import EVENT_TYPES, is_blank
from seven.parsing import MAX_DEPTH, Fields, finite

MASKED = "masked"
"""What stands in place of a key."""

_WORD = "dtmf"
_KEYS = "0123456789*#"
_TEXT = str.maketrans(_KEYS, "x" * len(_KEYS))
_BYTES = bytes.maketrans(_KEYS.encode(), b"x" * len(_KEYS))


def may_have_keys(payload: Fields | bytes, event_type: str | None) -> bool:
    """Whether a payload can have key presses, at little cost."""
    if isinstance(payload, bytes) or event_type not in EVENT_TYPES or _is_of_keys(event_type):
        return True
    return _mentions_keys(payload)


def masked_keys(payload: Fields | bytes, event_type: str | None) -> Fields | bytes:
    """The payload without pressed keys: `masked` in their place, nested, flat, or in JSON in a string.

    The same object where it has none. Of bytes that cannot be decoded, and name key presses or came by the path of
    `voice_dtmf`, each digit is masked.
    """
    of_keys = _is_of_keys(event_type)
    if isinstance(payload, bytes):
        names_keys = of_keys or _WORD.encode() in payload.replace(b"\0", b"").lower()  # NUL: of UTF-16
        masked = payload.translate(_BYTES) if names_keys else payload
        return payload if masked == payload else masked
    if not may_have_keys(payload, event_type):
        return payload
    words = (_WORD, "digit") if of_keys or _names_keys(payload) else (_WORD,)
    fields: Fields = _masked(payload, lambda name: any(word in name.lower() for word in words), MAX_DEPTH)
    return fields


def without_keys(decoded: Mapping[str, Any] | str | None, event_type: str | None) -> Any:
    """The same of what is to be shown: fields, or a text that could not be decoded."""
    if isinstance(decoded, str):
        return decoded.translate(_TEXT) if _is_of_keys(event_type) or _WORD in decoded.lower() else decoded
    return decoded if decoded is None else masked_keys(dict(decoded), event_type)


def _mentions_keys(fields: Fields | list[Any]) -> bool:
    """Whether the name of any field, or of any within JSON in a string, is about key presses; quick, for all pay it."""
    if isinstance(fields, dict) and _WORD in "\n".join(fields).lower():
        return True
    for value in fields.values() if isinstance(fields, dict) else fields:
        if isinstance(value, str):
            if _WORD in value.lower() and value.lstrip()[:1] in ("{", "["):
                return True
        elif isinstance(value, dict | list) and _mentions_keys(value):
            return True
    return False


def _is_of_keys(event_type: object) -> bool:
    return isinstance(event_type, str) and _WORD in event_type.lower()


def _names_keys(fields: Fields) -> bool:
    """Whether the payload itself says that it is about key presses."""
    data = fields.get("data")
    inner = data.get("webhook_event") if isinstance(data, dict) else None
    return _is_of_keys(fields.get("webhook_event")) or _is_of_keys(inner)


def _masked(value: Any, is_key: Callable[[str], bool], levels: int) -> Any:
    """The value itself where nothing in it is masked."""
    if isinstance(value, dict):
        fields = {_masked_text(name): _masked_field(name, inner, is_key, levels) for name, inner in value.items()}
        same = all(fields.get(name, value) is inner for name, inner in value.items())
        return value if same else fields
    if isinstance(value, list):
        items = [_masked(inner, is_key, levels) for inner in value]
        return value if all(new is old for new, old in zip(items, value, strict=True)) else items
    return _masked_string(value, is_key, levels) if isinstance(value, str) else value


def _masked_field(name: str, value: Any, is_key: Callable[[str], bool], levels: int) -> Any:
    if is_key(name):
        return value if is_blank(value) or value == MASKED else MASKED
    return _masked(value, is_key, levels)


def _masked_string(text: str, is_key: Callable[[str], bool], levels: int) -> str:
    """JSON in a string is masked as its fields are, where it can be read; of any other text that names keys, digits."""
    if text.lstrip()[:1] in ("{", "[") and levels:
        try:
            inner = json.loads(text, parse_float=finite, parse_constant=str)
            masked = _masked(inner, is_key, levels - 1)
        except (ValueError, RecursionError):
            return text.translate(_TEXT) if is_key(text) else text
        return text if masked is inner else json.dumps(masked)
    return _masked_text(text)


def _masked_text(text: str) -> str:
    """A text, or the name of a field, in which a whole delivery may stand."""
    return text.translate(_TEXT) if _WORD in text.lower() and not text.isidentifier() else text
