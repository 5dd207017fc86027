"""Parsing: decodes the gateway's payload formats. The bytes decide the format, not the content type.

A payload is a JSON object, or a form (in body or query) with nested keys: `data[msg_id]=…`. PHP writes both, so its
rules apply: brackets nest, `[]` appends.
"""

import json
import math
import re
from functools import lru_cache
from typing import Any, NamedTuple

from seven.charsets import unquoted
from seven.errors import InvalidPayload, Undecodable

MAX_DEPTH = 32
MAX_FIELDS = 1000
LONGEST_KNOWN_KEY = 100
"""Characters of the longest form key that is cached."""

Fields = dict[str, Any]

_KEY = re.compile(r"([\w.:-]+)((?:\[[^\[\]]*\])*)", re.ASCII)
_BRACKETED = re.compile(r"\[([^\[\]]*)\]")


def unpacked(value: Any) -> Any:
    """The object that a text holds as JSON, as forms have it; any other value itself. Raises as `read_json`."""
    return read_json(value) if isinstance(value, str) and value.lstrip()[:1] == "{" else value


def read_json(body: bytes | str) -> Fields:
    """Decode a JSON object. Non-numbers become the texts `NaN`, `Infinity` and `-Infinity`.

    Raises Undecodable; InvalidPayload where a key has two values: choosing one would be a guess.
    """
    try:
        text = body.decode("utf-8") if isinstance(body, bytes) else body
        fields = _DECODER.decode(text)
    except UnicodeDecodeError:
        raise Undecodable("not UTF-8") from None
    except RecursionError:
        raise Undecodable(f"JSON nested deeper than {MAX_DEPTH} levels") from None
    except json.JSONDecodeError as error:
        raise Undecodable(f"malformed JSON: {error.msg} at character {error.pos}") from None
    except ValueError:
        raise Undecodable("malformed JSON: a number of thousands of digits") from None
    if not isinstance(fields, dict):
        raise Undecodable("JSON, but not an object")
    # counting brackets is much faster than walking, and nearly always enough
    if text.count("{") + text.count("[") > MAX_DEPTH and deeper_than(MAX_DEPTH, fields):
        raise Undecodable(f"JSON nested deeper than {MAX_DEPTH} levels")
    return fields


def read_form(encoded: bytes, charset: str | None = None) -> Fields:
    """Decode a form or a query string. Escaped bytes that are not UTF-8 are read as the declared charset.

    Without one, bytes that are not UTF-8 become lone surrogates, so nothing is lost.

    Raises Undecodable; InvalidPayload where a key has two values.
    """
    if encoded.lstrip()[:2] == b"--":
        raise Undecodable("multipart/form-data, which is none of the gateway's forms")
    text = encoded.decode("utf-8", "surrogateescape").strip()
    pairs = text.split("&")
    if len(pairs) > MAX_FIELDS:
        raise Undecodable(f"a form of more than {MAX_FIELDS} fields")
    parts = (pair.partition("=") for pair in pairs if pair)
    fields = [(_key(name), _unquoted(value, charset)) for name, _, value in parts]
    if fields and ("=" not in text or not any(key.is_plausible for key, _ in fields)):
        raise Undecodable("neither JSON nor a form")
    nested: Fields = {}
    for key, value in fields:
        _put(nested, key, value)
    return nested


class _Key(NamedTuple):
    """A key of a form: its whole name, and the path that its brackets make."""

    name: str
    path: tuple[str, ...]
    is_plausible: bool
    """Whether it has the form of the gateway's keys."""

    @classmethod
    def parse(cls, quoted: str) -> "_Key":
        name = _unquoted(quoted)
        nested = _KEY.fullmatch(name)
        return cls(name, (nested[1], *_BRACKETED.findall(nested[2])) if nested else (name,), nested is not None)


_known_key = lru_cache(maxsize=1024)(_Key.parse)  # the gateway sends the same few


def _key(quoted: str) -> _Key:
    return (_known_key if len(quoted) <= LONGEST_KNOWN_KEY else _Key.parse)(quoted)


def _unquoted(quoted: str, charset: str | None = None) -> str:
    return unquoted(quoted.replace("+", " "), charset)


def _unique(pairs: list[tuple[str, Any]]) -> Fields:
    fields = dict(pairs)
    if len(fields) == len(pairs):
        return fields
    fields = {}
    for key, value in pairs:
        if key not in fields:
            fields[key] = value
        elif repr(fields[key]) != repr(value):  # in Python 1 equals True, in JSON they differ
            raise _given_twice(key)
    return fields


def _given_twice(key: str) -> InvalidPayload:
    name = key[:64].encode("unicode_escape").decode("ascii")
    return InvalidPayload(f"{name} is given twice, with different values", {name: "given twice, with different values"})


def finite(number: str) -> float | str:
    """A JSON number as a float; its text where no finite float can hold it, such as 1e999."""
    value = float(number)
    return value if math.isfinite(value) else number


_DECODER = json.JSONDecoder(object_pairs_hook=_unique, parse_float=finite, parse_constant=str)


def deeper_than(levels: int, value: Any) -> bool:
    """Whether a decoded value is nested deeper than a number of levels."""
    if not isinstance(value, (dict, list)):
        return False
    inner = value.values() if isinstance(value, dict) else value
    return levels == 0 or any(deeper_than(levels - 1, child) for child in inner)


def _put(fields: Fields, key: _Key, value: str) -> None:
    """Put a value at the path of its key."""
    path = key.path
    if len(path) > MAX_DEPTH:
        raise Undecodable(f"a form nested deeper than {MAX_DEPTH} levels")
    parent = fields
    for step in path[:-1]:
        inner = parent.setdefault(step or str(len(parent)), {})
        if not isinstance(inner, dict):
            raise _given_twice(key.name)
        parent = inner
    last = path[-1] if path[-1] or len(path) == 1 else str(len(parent))
    if parent.setdefault(last, value) != value:
        raise _given_twice(key.name)
