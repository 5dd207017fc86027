"""Query failure: why a statement that a person wrote has no answer, in a sentence for them, and the exit code."""

from dataclasses import dataclass

from cli.exits import ExitCode
from cli.output.terminal import shown
from store.error_reasons import database_reason

_SERVERS = ("08", "40", "53", "57", "58", "F0", "XX")
"""Classes of SQLSTATE that are about the server, and not about the statement."""
_SQLITE_FAULTS = ("SQLITE_BUSY", "SQLITE_LOCKED", "SQLITE_CANTOPEN", "SQLITE_IOERR", "SQLITE_CORRUPT", "SQLITE_NOTADB",
                  "SQLITE_PERM", "SQLITE_PROTOCOL", "SQLITE_FULL", "SQLITE_NOMEM", "SQLITE_READONLY_")  # fmt: skip
"""Beginnings of names: SQLITE_READONLY alone is about a statement that writes, and what is longer about the file."""
_TOO_LONG = ("57014", "SQLITE_INTERRUPT")


@dataclass(frozen=True, slots=True)
class QueryFailure:
    """The exit code, and lines for standard error."""

    code: ExitCode
    lines: tuple[str, ...]


def query_failure(error: Exception, timeout_s: int) -> QueryFailure:
    """What the error of a driver, or of SQLAlchemy, stands for. What the database says of the statement is shown."""
    original = getattr(error, "orig", None) or error
    code = getattr(original, "sqlstate", None) or getattr(original, "sqlite_errorname", None) or ""
    if code in _TOO_LONG:
        sentence = f"The database took longer than {timeout_s} s, and ended it. Allow more: --timeout SECONDS"
        return QueryFailure(ExitCode.UNKNOWN, (sentence,))
    if not _is_of_the_statement(original, code):
        return QueryFailure(ExitCode.UNKNOWN, (f"The database did not answer: {database_reason(error)}",))
    message, hint = _texts(original)
    if code in ("25006", "SQLITE_AUTH") or message.startswith("not authorized"):
        return QueryFailure(ExitCode.USAGE, (f"A query can only read: {message}",))
    if "multiple commands" in message or "one statement at a time" in message:
        return QueryFailure(ExitCode.USAGE, ("One statement is expected.",))
    return QueryFailure(ExitCode.USAGE, (f"The database refuses the statement: {message}", *hint))


def _is_of_the_statement(error: BaseException, code: str) -> bool:
    """Whether another statement would have been answered. An error of the driver alone, about a value, has no code."""
    if code.startswith("SQLITE_"):
        return not code.startswith(_SQLITE_FAULTS)
    if code:
        return code == "08P01" or not code.startswith(_SERVERS)  # a protocol violation: $1 without a value
    return "OperationalError" not in [kind.__name__ for kind in type(error).__mro__]


def _texts(error: BaseException) -> tuple[str, tuple[str, ...]]:
    """What the database says, and its hint."""
    diagnosis = getattr(error, "diag", None)
    message = getattr(diagnosis, "message_primary", None) or str(error) or type(error).__name__
    hint = getattr(diagnosis, "message_hint", None)
    return shown(message), (shown(hint),) if hint else ()
