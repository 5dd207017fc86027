"""The database: whether it takes rows, has the current tables, and keeps a commit once it is answered."""

import sqlite3
from collections.abc import Iterator
from datetime import UTC, datetime

from operations.checks.ages import size
from operations.checks.check import Check, Unread, good, unknown, warning, wrong
from store.database_info import Database
from store.engine import OVERFLOW
from store.partitions import WEEK
from store.reader_role import ReaderRights
from store.transactions import BOUNDS_MS, WEAK_COMMITS

OLDEST_POSTGRESQL = 130_000
FULLEST = 0.8
"""The part of a server's connections beyond which one more worker may be too many."""
OF_COMMANDS = 3
"""Connections that commands and people take now and then."""
BESIDE_THREADS = 2
"""Of a worker, beside its threads: one for urgent queues, one for the journal."""


def checks(database: Database | Unread, connections: int) -> Iterator[Check]:
    """All of it. `connections`: how many seven-ingest may open."""
    if isinstance(database, Unread):
        yield unknown("database", f"does not answer: {database.reason}", "see DATABASE_URL; is it running?")
        return
    yield good("database", f"answers: {_name(database)}, {size(database.size)}")
    yield _migrated(database)
    yield _writable(database)
    yield from (_postgresql(database, connections) if database.dialect == "postgresql" else _sqlite(database))


def reader(rights: ReaderRights | Unread) -> Check:
    """Whether `query` and the console can read by the role of SEVEN_READER_URL, and do no more."""
    name = "reader role"
    if isinstance(rights, Unread):
        return unknown(
            name, f"it does not get in: {rights.reason}", "see SEVEN_READER_URL; seven-ingest migrate --reader"
        )
    if not rights.reads:
        return wrong(name, f"{rights.role} cannot read all of our tables", "seven-ingest migrate --reader")
    if rights.boundless:
        finding = f"{rights.role} is a superuser, or may become one: `query` refuses to run"
        return wrong(name, finding, "let SEVEN_READER_URL name a role that can only read: deploy/operate.md")
    if rights.writes:
        return warning(name, f"{rights.role} may also write", "take its other rights from it: deploy/operate.md")
    return good(name, f"{rights.role} reads everything and writes nothing")


def wanted(workers: int, threads: int) -> int:
    """How many connections so many workers of so many threads may open."""
    return workers * (threads + BESIDE_THREADS + OVERFLOW) + OF_COMMANDS


def _name(database: Database) -> str:
    if database.dialect != "postgresql":
        return f"SQLite {sqlite3.sqlite_version}"
    return f"PostgreSQL {int(database.settings['server_version_num']) // 10_000}"


def _migrated(database: Database) -> Check:
    if database.version is None:
        return wrong("tables", "it has none of seven-ingest's tables", "seven-ingest migrate")
    if database.version < database.newest:
        finding = f"at version {database.version}, older than {database.newest} of this program"
        return wrong("tables", finding, "seven-ingest migrate")
    if database.version > database.newest:
        finding = f"at version {database.version}, newer than {database.newest} of this program"
        return warning("tables", finding, "upgrade this program; older code runs on newer tables")
    return good("tables", f"at version {database.version}, the current one")


def _writable(database: Database) -> Check:
    if database.standby:
        return wrong("database writes", "it is a standby", "let DATABASE_URL lead to the primary, or promote this one")
    if database.write_error:
        finding = f"it refused a row: {database.write_error}"
        return wrong("database writes", finding, "rights, a full disk, or read-only?")
    if database.version is None:
        return unknown("database writes", "there is no table to try", "seven-ingest migrate")
    return good("database writes", "it took a row, which was rolled back")


def _postgresql(database: Database, connections: int) -> Iterator[Check]:
    settings = database.settings
    if int(settings["server_version_num"]) < OLDEST_POSTGRESQL:
        yield warning("PostgreSQL version", _name(database), "it gets no more fixes: upgrade it")
    yield _commit(database)
    yield _bounds(database)
    yield _sessions(database)
    off = [name for name in ("fsync", "full_page_writes") if settings[name] == "off"]
    if off:
        finding = f"{' and '.join(off)} off: a power loss may ruin the whole database"
        yield wrong("PostgreSQL disk", finding, f"set {' and '.join(off)} on")
    else:
        yield good("PostgreSQL disk", "fsync and full_page_writes are on")
    yield _encoding(settings["server_encoding"])
    if database.version == database.newest:
        yield _partitions(database.provided_until, database.holes)
    yield _connections(database, connections)


def _partitions(until: datetime | None, holes: tuple[str, ...]) -> Check:
    if until is None or until < datetime.now(UTC) + WEEK:
        finding = "the coming week has none: its rows go to the default partition, which is slower to search"
        return warning(
            "partitions",
            finding,
            "seven-ingest migrate makes them; beat has workers do it that own the tables: is it running?",
        )
    if holes:
        finding = (
            f"there is none for {', '.join(holes)}: its rows go to the default partition, which is slower to search"
        )
        remedy = "seven-ingest migrate makes them and moves the rows, and so do workers that own the tables"
        return warning("partitions", finding, remedy)
    return good("partitions", f"are there until {until:%Y-%m-%d}")


def _commit(database: Database) -> Check:
    ours, default = database.settings["synchronous_commit"], database.defaults["synchronous_commit"]
    if ours in WEAK_COMMITS:
        finding = f"synchronous_commit {ours} in our transactions, although they set it to on"
        remedy = "batches are settled that are not on disk: what stands between us and PostgreSQL?"
        return wrong("commit", finding, remedy)
    if default in WEAK_COMMITS:
        return good("commit", f"synchronous_commit {ours} in our transactions, which set it; the default is {default}")
    return good("commit", f"synchronous_commit {ours}")


def _bounds(database: Database) -> Check:
    wanted = {name: str(bound) for name, bound in BOUNDS_MS.items()} | {"transaction_isolation": "read committed"}
    other = [f"{name} {database.settings[name]}" for name in wanted if database.settings[name] != wanted[name]]
    if other:
        finding = f"{', '.join(other)} in our transactions, although they set another value"
        return wrong("transactions", finding, "what stands between us and PostgreSQL?")
    return good("transactions", "have our timeouts and isolation")


def _sessions(database: Database) -> Check:
    if database.left_behind:
        finding = f"other clients leave settings behind in them: {', '.join(database.left_behind)}"
        remedy = "have those clients use SET LOCAL, or a pool of their own; our transactions set their own"
        return warning("PostgreSQL sessions", finding, remedy)
    if database.pooled:
        return good("PostgreSQL sessions", "come from a pooler, and no client left a setting behind in them")
    return good("PostgreSQL sessions", "are seven-ingest's alone")


def _encoding(encoding: str) -> Check:
    if encoding == "UTF8":
        return good("encoding", "UTF8")
    remedy = "dump it, make it anew with ENCODING 'UTF8', and restore"
    if encoding == "SQL_ASCII":
        return warning("encoding", "SQL_ASCII: it checks no text, and others may read it wrongly", remedy)
    return wrong("encoding", f"{encoding}: texts with other characters are refused", remedy)


def _connections(database: Database, most: int) -> Check:
    settings, limit = database.settings, database.connection_limit
    there = int(settings["max_connections"]) - int(settings["superuser_reserved_connections"])
    there -= int(settings.get("reserved_connections", 0))  # from PostgreSQL 16 on
    finding = f"{database.connections} of {there} open, seven-ingest may open {most}"
    if limit is not None and most > limit:
        remedy = "raise CONNECTION LIMIT of the workers' role and of the database, or lower SEVEN_WORKER_THREADS"
        return wrong("connections", f"{finding}, and the workers' role or the database has a limit of {limit}", remedy)
    remedy = "raise max_connections, or lower SEVEN_WORKER_THREADS"
    if most > there:
        return wrong("connections", finding, remedy)
    if max(most, database.connections) > there * FULLEST:
        return warning("connections", finding, remedy)
    return good("connections", finding)


def _sqlite(database: Database) -> Iterator[Check]:
    settings = database.settings
    if settings["synchronous"] not in ("2", "3"):  # FULL, EXTRA
        finding = f"synchronous={settings['synchronous']}: a power loss takes rows that were settled"
        yield wrong("commit", finding, "our sessions ask for FULL: what stands between us and the file?")
    else:
        yield good("commit", "synchronous=FULL")
    if settings["journal_mode"] != "wal":
        finding = f"journal_mode={settings['journal_mode']}: readers and writers wait for each other"
        yield wrong("journal", finding, "put the file on a local disk; SQLite's WAL does not work over a network")
    else:
        yield good("journal", "journal_mode=WAL")
