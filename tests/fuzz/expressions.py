"""Expressions: every regular expression of the code, with worst cases for it, applied as the code applies it.

Those over what people wrote or others sent have worst cases: a beginning, a piece that is repeated, an end. The rest
read what the operator or this code wrote.
"""

import json
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from typing import NamedTuple

from cli.commands.audit import _ids_of
from console.pages.look_up import _DELIVERY_ID
from emulator.hooks import _headers
from gateway.api import _without_urls
from ingest.routing import HookPaths, Tokens
from ingest.uvicorn_limits import _UPGRADE
from operations.masking import masked_digests, masked_url, masked_words
from reactions.payload_value import payload_value
from runtime.logs import _CODE, _WARNING, _format
from runtime.redis_errors import _COMMAND
from seven.charsets import declared_charset
from seven.data_subject import Number, foreign_id
from seven.digest import is_short_digest
from seven.envelope import peek_id
from seven.errors import NotUnderstood
from seven.field_types import _DECIMAL, _INTEGER, _WITHOUT_PLUS, storable
from seven.forgotten_numbers import ErasureKey, ForgottenNumbers
from seven.number_readings import numbers_in
from seven.parsing import read_form
from seven.phone_numbers import digits
from seven.plain_numbers import follows_country_code
from seven.redaction import is_name, redacted
from seven.signing import _NONCE, _SIGNATURE, _TIMESTAMP
from seven.timestamps import read_moment

WorstCase = tuple[str, str, str]
"""A beginning, a piece to repeat, and an end."""


class Expression(NamedTuple):
    """How the code applies an expression, and worst cases for it."""

    apply: Callable[[str], object]
    worst_cases: list[WorstCase]


def _refused(read: Callable[[str], object], text: str) -> None:
    with suppress(ValueError, NotUnderstood):
        read(text)


def _as_bytes(read: Callable[[bytes], object]) -> Callable[[str], object]:
    return lambda text: read(text.encode("utf-8", "replace"))


NUMBER, REPEATING = Number.parse("491510001234"), Number.parse("111111111111")
PATHS = HookPaths(Tokens(["a-token-for-the-fuzz-0123456789"]), ["https://example.com/a/b"])
_NUMBERS = Expression(
    lambda text: (NUMBER.is_in(text), REPEATING.is_in(text), NUMBER.is_in_payload(json.dumps({"text": text}))),
    [("49151", "(0)", "x"), ("49151", "0(0)", "x"), ("", "1 ", "x"), ("49", " ", "x"), ("", "00 ", "x"), ("", "(0)49151", "x"),
     ("", "49(0) 151(0)00 ", "123"), ("1", "-.", "1"), ("", "(", ")"), ("00", "(0)", "4"), ("(0)", "1 1 1 1 1 1 1 1 1 1 1 ", "x")],
)  # fmt: skip
_READINGS = Expression(numbers_in, _NUMBERS.worst_cases)
_SPELLINGS = Expression(
    partial(_refused, digits),
    [("", "(0)", ""), ("", "+", ""), ("", " ", "x"), ("", "00", ""), ("+49", "0", "x"), ("00", "1", "")],
)
_MOMENTS = Expression(
    partial(_refused, read_moment),
    [("", "1", "."), ("1.", "1", "x"), ("2026-01-01 10:00:00.", "1", "Z+"), ("", "-", ""), ("2026-01-01 10:00:00,", "1", "+01:0")],
)  # fmt: skip
_FORMS = Expression(
    partial(_refused, _as_bytes(read_form)),
    [
        ("a", "[x]", "[=1"),
        ("a", "[", "=1"),
        ("", "a", "[=1"),
        ("a[", "x", "=1"),
        ("", ".", "[]]=1"),
        ("a", "[x", "]=1"),
    ],
)
_CONTENT_TYPES = Expression(
    _as_bytes(declared_charset),
    [
        ("", ";", ""),
        ("", "; ", "charset"),
        ("", ";charset", "="),
        (";charset=", "a", ""),
        (";charset=iso8859", "-1", ""),
    ],
)
_LOG_LINES = Expression(
    _ids_of,
    [("", "batch", "="), ("batch", "\\", "x"), ("batch", " ", "x"), ('ids"', " ", "x"), ("", 'ids":[', ""), ("batch=1 ", "ids=", ""),
     ("batch=1 ", "ids\\", ""), ("", "0123abcd-", ""), ("", "a", "-"), ("batch=1 ", 'ids"  :', "")],
)  # fmt: skip
_WORDS = Expression(
    masked_words,
    [("", "1", ""), ("", "1  ", "x"), ("+", "1 (", ""), ("", "2026-03-29", ""), ("2026-03-29", "x", ""), ("", "1   ", ""), ("", "+1", "")],
)  # fmt: skip
_DIGESTS = Expression(
    masked_digests,
    [("", "0123abcd", ""), ("", "0123abcd", "-"), ("", "a" * 32, " "), ("", "f" * 31, " "), ("g", "a", "")],
)
_URLS = Expression(
    masked_url,
    [("https://", "a.", ""), ("", "a", " "), ("http://a", "/", "\n"), ("", "https://", ""), ("a.b", "?", "")],
)

_SAMPLES = Expression(
    lambda text: (is_name(text), redacted(text.encode("utf-8", "surrogatepass"))),
    [("", "a", "%"), ("", "%4", ""), ("", "\\", ""), ("\\u", "0", "x"), ("", "a.", "1"), ("{", "_", "")],
)
EXPRESSIONS = {
    "cli/commands/audit.py: _IDS": _LOG_LINES,
    "cli/commands/audit.py: _ID": _LOG_LINES,
    "cli/commands/audit.py: _LINE_OF_LOG": _LOG_LINES,
    "emulator/hooks.py: _HEADER": Expression(
        partial(_refused, _headers), [("a:", " ", "\x00"), ("", "a", ""), ("a:", "\t ", "\x7f"), ("a: ", "x", "\x00")]
    ),
    "gateway/api.py: _without_urls": Expression(
        _without_urls, [("", "a", ""), ("", "a:/", ""), ("", "://", ""), ("", ": //", "")]
    ),
    "ingest/routing.py: HookPaths.__init__": Expression(
        lambda text: PATHS.of({"type": "http", "path": text}),
        [("/hooks/", "a", "//"), ("", "/hooks/", ""), ("", "/a/b", "/hooks/"), ("/hooks/a/", "b", "//"), ("", "/", "")],
    ),
    "ingest/uvicorn_limits.py: _UPGRADE": Expression(
        _as_bytes(lambda head: _UPGRADE.sub(b"\r\nx-grade:", head)),
        [("", "\r\nupgrade", ""), ("", "\r\n", ""), ("\r\n", "upgrade:", "")],
    ),
    "console/pages/look_up.py: _DELIVERY_ID": Expression(
        _DELIVERY_ID.fullmatch, [("", "0", ""), ("0123abcd-", "0123-", ""), ("", "-", "")]
    ),
    "operations/masking.py: _DIGEST": _DIGESTS,
    "operations/masking.py: _LOOKS_LIKE_DAY": _WORDS,
    "operations/masking.py: _LOOKS_LIKE_NUMBER": _WORDS,
    "operations/masking.py: _URL": _URLS,
    "runtime/redis_errors.py: _COMMAND": Expression(
        _COMMAND.search, [("'", "a", ""), ("", "'a", ""), ("", "'a' command", ""), ("'", "|", "' x")]
    ),
    "runtime/logs.py: _CODE": Expression(_CODE.match, [("", "A", "_"), ("", "A ", "")]),
    "runtime/logs.py: _PLAIN": Expression(_format, [("", "a", " "), ("", "a ", "=")]),
    "runtime/logs.py: _WARNING": Expression(
        _WARNING.match, [("", "1:", ""), ("a:", "1", ""), ("", "a:1: ", "-"), ("a:1: ", "w", "")]
    ),
    "seven/charsets.py: _DECLARED": _CONTENT_TYPES,
    "seven/charsets.py: _NUMBERED": _CONTENT_TYPES,
    "seven/charsets.py: declared_charset": _CONTENT_TYPES,
    "seven/data_subject.py: Number._pattern": _NUMBERS,
    "seven/data_subject.py: Number._national_pattern": _NUMBERS,
    "seven/data_subject.py: _RUN": _NUMBERS,
    "seven/data_subject.py: _PIECE": _NUMBERS,
    "seven/data_subject.py: Id.is_in": Expression(
        lambda text: (foreign_id("a" * 255).is_in(text), foreign_id("- " * 127 + "x").is_in(text)),
        [("", "a", ""), ("", "- ", ""), ("", "-a", ""), ("-", "a", "-")],
    ),
    "seven/redaction.py: _NAME": _SAMPLES,
    "seven/redaction.py: _PIECE": _SAMPLES,
    "seven/forgotten_numbers.py: _ESCAPE": Expression(
        ForgottenNumbers(ErasureKey("k"), {}).may_be_in, [("", "\\u00e4", ""), ("", "\\n0", ""), ('"', "\\u", '"')]
    ),
    "seven/plain_numbers.py: _COUNTRY_CODE": Expression(
        lambda text: follows_country_code(text, len(text)), [("+49", " ", ""), ("", "00 1", ""), ("", "-", "0")]
    ),
    "seven/number_readings.py: _RUN": _READINGS,
    "seven/number_readings.py: _DIGITS": _READINGS,
    "seven/number_readings.py: _DIGITS_OR_TRUNK": _READINGS,
    "seven/digest.py: is_short_digest": Expression(is_short_digest, [("", "a", ""), ("", "0f", "x")]),
    "seven/envelope.py: _ID": Expression(
        _as_bytes(peek_id), [('{"v":1,"id":"', "a", ""), ('{"id":"', "!", '"'), ('{"v":', "1", ',"id"')]
    ),
    "seven/field_types.py: _UNSTORABLE": Expression(storable, [("é", "\x00", ""), ("", "\ud800", "")]),
    "seven/field_types.py: _INTEGER": Expression(_INTEGER.fullmatch, [("-", "1", "x"), ("", "-", "")]),
    "seven/field_types.py: _DECIMAL": Expression(
        _DECIMAL.fullmatch, [("1.", "1", "x"), ("", "1", "e"), ("1e", "1", ""), ("", "1.", "")]
    ),
    "seven/field_types.py: _WITHOUT_PLUS": Expression(
        _WITHOUT_PLUS.fullmatch, [("", " ", ""), (" ", "1 ", "x"), (" 1", "()", "x"), ("", " 1", "")]
    ),
    "reactions/payload_value.py: _SURROGATE": Expression(
        payload_value, [('"\\udc00', "\\ud800", '"'), ('{"', "\\udc00", '":1}')]
    ),
    "seven/parsing.py: _KEY": _FORMS,
    "seven/parsing.py: _BRACKETED": _FORMS,
    "seven/phone_numbers.py: _PUNCTUATION": _SPELLINGS,
    "seven/phone_numbers.py: _INTERNATIONAL": _SPELLINGS,
    "seven/phone_numbers.py: _E164": _SPELLINGS,
    "seven/phone_numbers.py: _plain": _SPELLINGS,
    "seven/signing.py: _SIGNATURE": Expression(_as_bytes(_SIGNATURE.fullmatch), [("", "a", ""), ("", "a", "x")]),
    "seven/signing.py: _TIMESTAMP": Expression(_as_bytes(_TIMESTAMP.fullmatch), [("", "1", ""), ("", "1", "x")]),
    "seven/signing.py: _NONCE": Expression(_as_bytes(_NONCE.fullmatch), [("", "a", ""), ("", "a", " ")]),
    "seven/timestamps.py: _EPOCH": _MOMENTS,
    "seven/timestamps.py: _WALL_CLOCK": _MOMENTS,
    "seven/timestamps.py: _WITH_OFFSET": _MOMENTS,
    "seven/timestamps.py: _WITHOUT_PLUS": _MOMENTS,
}

TRUSTED = {
    "cli/context.py: _replicas": "the name of this machine",
    "cli/output/checks.py: _callable": "sentences of this code",
    "cli/output/sentences.py: _COMMAND": "sentences of this code",
    "cli/times.py: _AGO": "an option of a command",
    "cli/times.py: _CLOCK": "an option of a command",
    "emulator/auth.py: _EPOCH": "digits of a bounded number, by a developer's own client",
    "emulator/faults.py: _three_digits": "a developer's own request to the emulator",
    "gateway/desired_hooks.py: DesiredHook._well_formed": "the operator's settings",
    "gateway/desired_hooks.py: DesiredHook._header_lines": "the operator's settings",
    "operations/checks/secret_strength.py: _WELL_KNOWN": "the operator's secrets",
    "runtime/network_errors.py: _NUMBER": "an error of the operating system",
    "runtime/redis_errors.py: _NO_PASSWORD": "an answer of our own server",
    "runtime/redis_errors.py: _PREFIX": "an answer of our own server",
    "runtime/redis_errors.py: _TOO_MANY": "an answer of our own server",
    "runtime/redis_url.py: _DATABASE": "the operator's settings",
    "runtime/redis_url.py: _HOSTS": "the operator's settings",
    "runtime/redis_url.py: _PRIMARY": "the operator's settings",
    "operations/queries/named_query.py: _PLACEHOLDER": "statements of this code",
    "runtime/server_url.py: _HOST": "the operator's settings",
    "runtime/server_url.py: _PORT": "the operator's settings",
    "runtime/server_url.py: _UNPRINTABLE": "the operator's settings",
    "runtime/settings/console.py: _valid_header_name": "the operator's settings",
    "runtime/settings/types.py: check_token": "the operator's settings",
    "runtime/settings/types.py: _valid_api_key": "the operator's settings",
    "store/error_reasons.py: _INDEX_ROW": "an answer of our own server",
    "store/error_reasons.py: _PATTERNS": "an answer of our own server",
    "store/error_reasons.py: _POOL": "a sentence of a library",
    "store/read_only.py: _OUR_TIME": "times that our own columns hold",
    "store/read_only.py: _SKIPPED": "the operator's own statement",
    "store/read_only.py: _WORD": "the operator's own statement",
    "store/partitions.py: _partition": "names of tables in our own schema",
}
"""Expressions that read nothing of strangers, and what they read."""
