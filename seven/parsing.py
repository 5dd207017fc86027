"""The gateway's notations: bytes to words, by looking at the bytes rather than believing the content type.

A JSON object, or a form (in body or query) whose keys may be nested by brackets: `data[msg_id]=…`. PHP writes both,
so its habits hold: brackets nest, `[]` appends.
"""

import json
import math
import re
from functools import lru_cache
from typing import Any, NamedTuple
from urllib.parse import unquote

from seven.errors import InvalidPayload, Undecodable

MAX_DEPTH = 32
MAX_FIELDS = 1000
LONGEST_KNOWN_KEY = 100
"""Characters of a form's key that is remembered once it has been read."""

Fields = dict[str, Any]

_KEY = re.compile(r"([\w.:-]+)((?:\[[^\[\]]*\])*)", re.ASCII)
_BRACKETED = re.compile(r"\[([^\[\]]*)\]")


def read_json(body: bytes | str) -> Fields:
    """The words of a JSON object. Non-numbers become the texts `NaN`, `Infinity` and `-Infinity`.

    Raises Undecodable, or Misfit where one key is given two values: to choose one would be a guess.
    """
    try:
        text = body.decode("utf-8") if isinstance(body, bytes) else body
        words = _DECODER.decode(text)
    except UnicodeDecodeError:
        raise Undecodable("not UTF-8") from None
    except RecursionError:
        raise Undecodable(f"JSON nested deeper than {MAX_DEPTH} levels") from None
    except json.JSONDecodeError as error:
        raise Undecodable(f"malformed JSON: {error.msg} at character {error.pos}") from None
    except ValueError:
        raise Undecodable("malformed JSON: a number of thousands of digits") from None
    if not isinstance(words, dict):
        raise Undecodable("JSON, but not an object")
    # to count what could nest is much faster than to look, and nearly always enough
    if text.count("{") + text.count("[") > MAX_DEPTH and deeper_than(MAX_DEPTH, words):
        raise Undecodable(f"JSON nested deeper than {MAX_DEPTH} levels")
    return words


def read_form(encoded: bytes) -> Fields:
    """The words of a form or a query string. Bytes that are no UTF-8 stay as lone surrogates, so nothing is lost.

    Raises Undecodable, or Misfit where one key is given two values.
    """
    if encoded.lstrip()[:2] == b"--":
        raise Undecodable("multipart/form-data, which is none of the gateway's forms")
    text = encoded.decode("utf-8", "surrogateescape").strip()
    pairs = text.split("&")
    if len(pairs) > MAX_FIELDS:
        raise Undecodable(f"a form of more than {MAX_FIELDS} fields")
    told = [(_key(name), _unquoted(value)) for name, _, value in (pair.partition("=") for pair in pairs if pair)]
    if told and ("=" not in text or not any(key.is_ours for key, _ in told)):
        raise Undecodable("neither JSON nor a form")
    words: Fields = {}
    for key, value in told:
        _put(words, key, value)
    return words


class _Key(NamedTuple):
    """A key of a form: as it was told, and the path that its brackets make."""

    name: str
    path: tuple[str, ...]
    is_ours: bool
    """Whether it looks like any that the gateway makes."""

    @classmethod
    def read(cls, quoted: str) -> "_Key":
        name = _unquoted(quoted)
        nested = _KEY.fullmatch(name)
        return cls(name, (nested[1], *_BRACKETED.findall(nested[2])) if nested else (name,), nested is not None)


_known_key = lru_cache(maxsize=1024)(_Key.read)  # they are always the same few


def _key(quoted: str) -> _Key:
    return (_known_key if len(quoted) <= LONGEST_KNOWN_KEY else _Key.read)(quoted)


def _unquoted(told: str) -> str:
    return unquote(told.replace("+", " "), errors="surrogateescape")


def _unique(pairs: list[tuple[str, Any]]) -> Fields:
    words = dict(pairs)
    if len(words) == len(pairs):
        return words
    words = {}
    for key, value in pairs:
        if key not in words:
            words[key] = value
        elif repr(words[key]) != repr(value):  # 1 and true are equal, and not the same
            raise _given_twice(key)
    return words


def _given_twice(key: str) -> InvalidPayload:
    name = key[:64].encode("unicode_escape").decode("ascii")
    return InvalidPayload(f"{name} is given twice, with different values", {name: "given twice, with different values"})


def finite(number: str) -> float | str:
    """A number of JSON; as the text it is where no finite float can hold it, such as 1e999."""
    value = float(number)
    return value if math.isfinite(value) else number


_DECODER = json.JSONDecoder(object_pairs_hook=_unique, parse_float=finite, parse_constant=str)


def deeper_than(levels: int, value: Any) -> bool:
    """Whether something is nested deeper than so many levels."""
    if not isinstance(value, (dict, list)):
        return False
    inner = value.values() if isinstance(value, dict) else value
    return levels == 0 or any(deeper_than(levels - 1, one) for one in inner)


def _put(words: Fields, key: _Key, value: str) -> None:
    """Put one field of a form where its brackets say."""
    path = key.path
    if len(path) > MAX_DEPTH:
        raise Undecodable(f"a form nested deeper than {MAX_DEPTH} levels")
    place = words
    for step in path[:-1]:
        inner = place.setdefault(step or str(len(place)), {})
        if not isinstance(inner, dict):
            raise _given_twice(key.name)
        place = inner
    last = path[-1] if path[-1] or len(path) == 1 else str(len(place))
    if place.setdefault(last, value) != value:
        raise _given_twice(key.name)
