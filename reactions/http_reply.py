"""HTTP reply: the head of an answer, and where its body ends; what is needed of HTTP/1.1 to post changes.

The library's own reads headers as those of an e-mail, which costs a third of a request. Here anything unusual is a
connection that is not used again.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from http.client import BadStatusLine, HTTPException, RemoteDisconnected
from typing import BinaryIO

LONGEST_LINE = 64 * 1024
MOST_HEADERS = 100
_HEXADECIMAL = frozenset(b"0123456789abcdefABCDEF")


class TooLongError(HTTPException):
    """An answer is longer than any answer has to be."""


@dataclass(frozen=True, slots=True)
class Reply:
    """Status and headers of an answer."""

    status: int
    headers: Mapping[str, str]
    """By name in lower case; the last of those that are repeated."""
    is_last: bool
    """Whether the connection cannot be used again."""


def read_reply(stream: BinaryIO) -> Reply:
    """The head of the answer, after interim ones. Raises HTTPException, RemoteDisconnected for a closed connection."""
    while True:
        reply = _read_head(stream)
        if not 100 <= reply.status < 200 or reply.status == 101:  # 101: what follows is no HTTP
            return reply


def read_body(stream: BinaryIO, reply: Reply, most: int) -> bool:
    """Read the body past its end; False if it is longer, has no clear end, or ends too soon."""
    coding, length = reply.headers.get("transfer-encoding"), reply.headers.get("content-length")
    if coding is not None:
        return coding.lower() == "chunked" and length is None and _read_chunks(stream, most)
    if reply.status == 204:
        return True
    if length is None or not (length.isascii() and length.isdigit() and len(length) < 10):
        return False
    size = int(length)
    return size <= most and len(stream.read(size)) == size


def _read_head(stream: BinaryIO) -> Reply:
    line = _line(stream)
    if not line:
        raise RemoteDisconnected("")
    version, _, rest = line.partition(b" ")
    code = rest[:3]
    if version not in (b"HTTP/1.1", b"HTTP/1.0") or not line.endswith(b"\n") or rest[3:4].strip():
        raise BadStatusLine("")
    if not (len(code) == 3 and code.isdigit()) or code < b"100":
        raise BadStatusLine("")
    headers = _read_headers(stream)
    default = "keep-alive" if version == b"HTTP/1.1" else "close"
    return Reply(int(code), headers, headers.get("connection", default).lower() != "keep-alive")


def _read_headers(stream: BinaryIO) -> dict[str, str]:
    headers: dict[str, str] = {}
    for _ in range(MOST_HEADERS + 1):
        line = _line(stream)
        if line in (b"\r\n", b"\n"):
            return headers
        name, colon, value = line.partition(b":")
        if not colon or not line.endswith(b"\n"):
            raise HTTPException
        headers[name.decode("latin-1").lower()] = value.decode("latin-1").strip()
    raise TooLongError


def _read_chunks(stream: BinaryIO, most: int) -> bool:
    left = most
    while True:
        digits = _line(stream).partition(b";")[0].strip()
        if not digits or len(digits) > 8 or not _HEXADECIMAL.issuperset(digits):
            return False
        size = int(digits, 16)
        left -= size
        if left < 0:
            return False
        if size == 0:
            return _line(stream) in (b"\r\n", b"\n")  # with trailers, the connection is not used again
        if len(stream.read(size)) < size or _line(stream) not in (b"\r\n", b"\n"):
            return False


def _line(stream: BinaryIO) -> bytes:
    line = stream.readline(LONGEST_LINE + 1)
    if len(line) > LONGEST_LINE:
        raise TooLongError
    return line
