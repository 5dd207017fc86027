"""Error reasons: why the database does not answer, or refuses, as every process, command and log says it."""

import re

from runtime.network_errors import chain, describe, network_failure
from store.errors import is_unmigrated, sqlstate

_STATES = {
    "25006": "it is read-only",
    "25P04": "a transaction took too long",
    "28P01": "it refuses user or password",
    "3D000": "the database does not exist",
    "3F000": "the schema does not exist",
    "42501": "a right is missing",
    "53100": "its disk is full",
    "53200": "its memory is full",
    "53300": "it has too many connections",
    "53400": "a limit of its configuration is reached",
    "55P03": "another session holds a lock",
    "57014": "a statement took too long, or was cancelled",
    "57P01": "it ended the session",
    "57P02": "it has crashed",
    "57P03": "it is starting, recovering or shutting down",
    "57P05": "the session was idle for too long",
}
_CLASSES = {
    "08": "the connection failed",
    "25": "it does not accept this transaction",
    "28": "it does not admit this user from here",
    "40": "other writers were in the way",
    "42": "the statement does not fit its schema",
    "53": "it lacks resources",
    "55": "an object is not in the state that is needed",
    "57": "an operator intervened",
    "58": "its machine has a fault",
    "XX": "it has an internal fault, or its data is damaged",
}
"""By SQLSTATE, and by its first two characters."""

_SQLITE = {
    "SQLITE_BUSY": "another process holds its lock",
    "SQLITE_LOCKED": "another connection holds its lock",
    "SQLITE_CANTOPEN": "the file cannot be opened",
    "SQLITE_READONLY": "the file is read-only",
    "SQLITE_PERM": "the file is not ours to write",
    "SQLITE_AUTH": "the file is not ours to write",
    "SQLITE_FULL": "the disk is full",
    "SQLITE_IOERR": "the disk has a fault",
    "SQLITE_CORRUPT": "the file is damaged",
    "SQLITE_NOTADB": "the file is no database",
    "SQLITE_PROTOCOL": "its lock could not be taken",
    "SQLITE_NOLFS": "the file is too large for its disk",
}
"""By the beginning of the extended code's name."""

# libpq has no codes for a connection that it did not get: what the server wrote is matched, and never shown.
_UNCONNECTED = (
    ("password authentication failed|no password supplied|SASL authentication failed", "28P01", _STATES["28P01"]),
    ("no pg_hba.conf entry|pg_hba.conf rejects|(Peer|Ident) authentication failed", "28000", _CLASSES["28"]),
    ('role ".*" does not exist|no such user', "28000", "the user does not exist"),
    ('database ".*" does not exist|no such database', "3D000", _STATES["3D000"]),
    ("permission denied for database", "42501", _STATES["42501"]),
    ("too many clients|too many connections|connection slots|no more connections allowed", "53300", _STATES["53300"]),
    ("starting up|shutting down|in recovery mode|not (yet )?accepting connections", "57P03", _STATES["57P03"]),
    ("session is (not )?read-|server is (not )?in hot standby", "25006", "it is not what target_session_attrs names"),
    ("server does not support SSL", "NO_TLS", "it speaks no TLS"),
    ("does not match host name", "CERTIFICATE_VERIFY_FAILED", "its certificate is for another host name"),
    ("certificate has expired", "CERTIFICATE_VERIFY_FAILED", "its certificate has expired"),
    ("self.signed|local issuer", "CERTIFICATE_VERIFY_FAILED", "its certificate is signed by no authority known here"),
    ("certificate verify failed", "CERTIFICATE_VERIFY_FAILED", "its certificate is refused"),
    (
        "root certificate file|certificate file|private key file",
        "TLS_FILE",
        "a file that an ssl option names is unusable",
    ),
    ("SSL error|SSL SYSCALL", "TLS", "TLS failed"),
    ("Connection refused", "ECONNREFUSED", "nothing listens there"),
    ("resolve host|translate host name", "EAI_NONAME", "its name has no address"),
    ("timeout expired|timed out|connection timeout|no answer from the server", "ETIMEDOUT", "no answer in time"),
    ("No route to host|Network is unreachable", "EHOSTUNREACH", "no route to it"),
    ("No such file or directory", "ENOENT", "its socket does not exist"),
    ("Permission denied", "EACCES", "its socket is not ours to use"),
    ("server login failed|cannot connect to server|server_login_retry", "08006", "its pooler does not reach it"),
    ("terminating connection", "57P01", _STATES["57P01"]),
    ("closed the connection|connection is (closed|lost)|Connection reset", "ECONNRESET", "it closed the connection"),
)
_PATTERNS = [(re.compile(pattern, re.IGNORECASE), code, word) for pattern, code, word in _UNCONNECTED]
_TOO_LARGE = "54000"
_INDEX_ROW = re.compile(r'index row size \d+ [\w ,]+ for index "[a-z0-9_]+"')
_POOL = re.compile("QueuePool limit")


def database_reason(error: Exception) -> str:
    """Class, code and a plain word: what the database answered, or why it did not; never the whole text."""
    original = getattr(error, "orig", None) or error
    return describe(original, _answer(error, original) or network_failure(error) or _unconnected(error))


def _answer(error: Exception, original: BaseException) -> tuple[str, str] | None:
    """SQLSTATE or SQLite's code; that of `original`, where the driver's own exception came here bare."""
    code = sqlstate(error) or getattr(original, "sqlstate", None) or getattr(original, "sqlite_errorname", None) or ""
    if is_unmigrated(error):
        return code, "a table, column or index is missing; `seven-ingest migrate` makes it"
    if code.startswith("SQLITE_"):
        word = next((word for name, word in _SQLITE.items() if code.startswith(name)), "it answered an error")
        return code, word
    if code == _TOO_LARGE and (message := _of_index(original)):
        return code, message
    return (code, _STATES.get(code) or _CLASSES.get(code[:2], "it answered an error")) if code else None


def _of_index(original: BaseException) -> str | None:
    """Which index cannot take a row: the server's own sentence, which quotes no value; its details are left out."""
    message = str(getattr(getattr(original, "diag", None), "message_primary", None) or "")
    return message if _INDEX_ROW.fullmatch(message) else None


def _unconnected(error: Exception) -> tuple[str, str] | None:
    texts = [str(link) for link in chain(error)]
    if any(map(_POOL.search, texts)):
        return "ETIMEDOUT", "no connection became free in time"
    for pattern, code, word in _PATTERNS:
        if any(map(pattern.search, texts)):
            return code, word
    return None
