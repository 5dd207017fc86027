"""Charsets: the encoding that a request declares, for bytes that are not UTF-8.

The gateway sends UTF-8, whatever a content type says, so UTF-8 is tried first. Charsets are listed here, since a sender
chooses the label: Python's own table has codecs that are no charsets, and remembers each unknown label for ever.
"""

import re
from functools import lru_cache
from urllib.parse import unquote

LONGEST = 200
"""Most bytes of a content type that is read."""

_DECLARED = re.compile(rb";\s*charset\s*=\s*[\"']?([\w.:-]{1,40})", re.IGNORECASE | re.ASCII)
_LATIN_1 = {"iso88591", "latin1", "l1", "usascii", "ascii", "windows1252", "cp1252"}
_NAMED = {
    "latin2": "iso8859-2", "latin9": "iso8859-15", "latin0": "iso8859-15", "koi8r": "koi8-r", "koi8u": "koi8-u",
    "macintosh": "mac-roman", "shiftjis": "cp932", "sjis": "cp932", "eucjp": "euc_jp",
    "euckr": "cp949", "gb2312": "gb18030", "gbk": "gb18030", "gb18030": "gb18030", "big5": "big5",
    "utf16": "utf-16", "utf16le": "utf-16-le", "utf16be": "utf-16-be", "utf32": "utf-32",
}  # fmt: skip
_NUMBERED = (
    (re.compile(r"iso8859([2-9]|1[0-1]|1[3-6])"), "iso8859-"),
    (re.compile(r"(?:windows|cp)(125[0-8])"), "cp"),
    (re.compile(r"(?:ibm|cp)(437|850|852|855|858|866)"), "cp"),
)


@lru_cache(maxsize=256)
def declared_charset(content_type: bytes) -> str | None:
    """The codec of the charset that a content type declares; None for UTF-8, an unknown one, or none at all.

    ISO 8859-1 and ASCII are read as windows-1252, as browsers do: what differs are control characters.
    """
    match = _DECLARED.search(content_type[:LONGEST])
    if match is None:
        return None
    label = re.sub("[^a-z0-9]", "", match[1].decode("ascii").lower())
    if label in _LATIN_1:
        return "cp1252"
    for numbered, prefix in _NUMBERED:
        if known := numbered.fullmatch(label):
            return prefix + known[1]
    return _NAMED.get(label)


def as_utf8(encoded: bytes, charset: str | None) -> bytes:
    """The same text in UTF-8; bytes that are UTF-8 already, or not of that charset either, unchanged."""
    if charset is None or (_is_utf8(encoded) and not (charset.startswith("utf") and b"\0" in encoded)):
        return encoded  # UTF-16 of ASCII is UTF-8 with NULs
    for codec in _codecs(charset):
        try:
            return encoded.decode(codec).encode()
        except UnicodeError:
            continue
    return encoded


def unquoted(quoted: str, charset: str | None) -> str:
    """Percent-decoded text: UTF-8, else of that charset. Bytes of neither become lone surrogates: nothing is lost."""
    for codec in ("utf-8", *_codecs(charset)):
        try:
            return unquote(quoted, encoding=codec, errors="strict")
        except UnicodeError:
            continue
    return unquote(quoted, errors="surrogateescape")


def _codecs(charset: str | None) -> tuple[str, ...]:
    """The codecs to try; windows-1252 leaves five bytes undefined, ISO 8859-1 none."""
    if charset is None:
        return ()
    return (charset, "latin-1") if charset == "cp1252" else (charset,)


def _is_utf8(encoded: bytes) -> bool:
    try:
        encoded.decode()
    except UnicodeDecodeError:
        return False
    return True
