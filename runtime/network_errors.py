"""Network errors: why a server could not be reached, always as its class, a code, and a plain word that quotes nothing.

The messages of exceptions may contain addresses, names of users, and parts of commands; these do not. What only one
kind of server answers is added by `redis_errors.py` here and by `store/error_reasons.py`.
"""

import errno
import os
import re
import socket
import ssl
from collections.abc import Iterator

_CERTIFICATE_WORDS = {
    9: "its certificate is not valid yet",
    10: "its certificate has expired",
    62: "its certificate is for another host name",
    64: "its certificate is for another address",
    85: "its certificate lacks an authority key identifier",
    86: "its authority's certificate lacks a subject key identifier",
    89: "its authority's certificate has basic constraints that are not critical",
    92: "its authority's certificate lacks a key usage",
} | dict.fromkeys((2, 18, 19, 20, 21), "its certificate is signed by no authority known here")
"""By OpenSSL's verification codes."""

_ERRNO_WORDS = {
    errno.ECONNREFUSED: "nothing listens there",
    errno.ECONNRESET: "it closed the connection",
    errno.EPIPE: "it closed the connection",
    errno.ECONNABORTED: "it closed the connection",
    errno.ETIMEDOUT: "no answer in time",
    errno.EHOSTUNREACH: "no route to it",
    errno.ENETUNREACH: "no route to it",
    errno.ENOENT: "its socket does not exist",
}

_NAME_WORDS = {
    socket.EAI_NONAME: ("EAI_NONAME", "its name has no address"),
    socket.EAI_AGAIN: ("EAI_AGAIN", "no name server answered"),
    getattr(socket, "EAI_NODATA", -5): ("EAI_NODATA", "its name has no address"),
}

_NUMBER = re.compile(r"\[Errno (\d+)\]")
_TIMEOUT = ("ETIMEDOUT", "no answer in time")


def chain(error: BaseException) -> Iterator[BaseException]:
    """The exception and its causes, each once."""
    seen: set[int] = set()
    link: BaseException | None = error
    while link is not None and id(link) not in seen:
        seen.add(id(link))
        yield link
        link = link.__cause__ or link.__context__


def describe(error: BaseException, failure: tuple[str, str] | None) -> str:
    """The one form: class, and where they are known a code and a plain word: `ConnectionError EPIPE: it closed …`."""
    name = type(error).__name__
    if failure is None:
        return name
    code, word = failure
    return f"{name}{f' {code}' if code else ''}: {word}"


def network_failure(error: BaseException) -> tuple[str, str] | None:
    """Code and word of the failure of TLS, name resolution or a socket behind an exception; None if there is none."""
    links = list(chain(error))
    return next(filter(None, map(_tls, links)), None) or next(filter(None, map(_socket, links)), None)


def network_reason(error: BaseException) -> str:
    """Why a server did not answer, where nothing more is known of it than that it has an address."""
    return describe(error, network_failure(error))


def _tls(error: BaseException) -> tuple[str, str] | None:
    if isinstance(error, ssl.SSLCertVerificationError):
        code = getattr(error, "verify_code", 0)  # Python code may raise it without one; messages may quote the host
        word = _CERTIFICATE_WORDS.get(code, f"its certificate is refused, X509 error {code}")
        return "CERTIFICATE_VERIFY_FAILED", word
    if isinstance(error, ssl.SSLError):
        return getattr(error, "reason", None) or type(error).__name__, "TLS failed"
    return None


def _socket(error: BaseException) -> tuple[str, str] | None:
    if isinstance(error, socket.gaierror):
        return _NAME_WORDS.get(error.errno or 0, ("EAI", "its name could not be resolved"))
    if isinstance(error, OSError) and (number := error.errno or _number_in(str(error))):
        code = errno.errorcode.get(number)
        return (code, _ERRNO_WORDS.get(number) or os.strerror(number).lower()) if code else None
    return _TIMEOUT if isinstance(error, TimeoutError) else None


def _number_in(message: str) -> int | None:
    """The error number in a message of asyncio about several addresses that all failed."""
    match = _NUMBER.search(message)
    return int(match[1]) if match else None
