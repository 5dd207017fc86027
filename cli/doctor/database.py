"""The database: whether it takes rows, has today's tables, and keeps a commit once it is answered."""

from collections.abc import Iterator
from datetime import UTC, datetime

from cli.checks import Check, Silence, good, unknown, warning, wrong
from cli.output.terminal import program
from cli.status_judging import size
from store.database_info import Database
from store.engine import OVERFLOW
from store.partitions import WEEK
from store.transactions import BOUNDS_MS, WEAK_COMMITS

OLDEST_POSTGRESQL = 130_000
FULLEST = 0.8
"""The part of a server's connections beyond which one more worker may be one too many."""
OF_COMMANDS = 3
"""Connections that commands and people take now and then."""


def checks(database: Database | Silence, connections: int) -> Iterator[Check]:
    """Everything about it. `connections` is how many ours may open."""
    if isinstance(database, Silence):
        yield unknown("database", f"does not answer: {database.cause}", "see DATABASE_URL; is it running?")
        return
    yield good("database", f"answers: {_name(database)}, {size(database.size)}")
    yield _migrated(database)
    yield _writable(database)
    yield from (_postgresql(database, connections) if database.dialect == "postgresql" else _sqlite(database))


def wanted(workers: int, threads: int) -> int:
    """How many connections so many workers of so many threads may open."""
    return workers * (threads + OVERFLOW) + OF_COMMANDS


def _name(database: Database) -> str:
    if database.dialect != "postgresql":
        return "SQLite"
    return f"PostgreSQL {int(database.settings['server_version_num']) // 10_000}"


def _migrated(database: Database) -> Check:
    if database.version is None:
        return wrong("tables", "there are none of ours", f"{program()} migrate")
    if database.version < database.newest:
        said = f"at version {database.version}, and {database.newest} is today's"
        return wrong("tables", said, f"{program()} migrate")
    if database.version > database.newest:
        said = f"at version {database.version}, newer than {database.newest} that this program knows"
        return warning("tables", said, "upgrade this program; older code runs on newer tables")
    return good("tables", f"at version {database.version}, today's")


def _writable(database: Database) -> Check:
    if database.standby:
        return wrong("database writes", "it is a standby", "let DATABASE_URL lead to the primary, or promote this one")
    if database.refusal:
        return wrong("database writes", f"it refused a row: {database.refusal}", "rights, a full disk, or read-only?")
    if database.version is None:
        return unknown("database writes", "there is no table to try", f"{program()} migrate")
    return good("database writes", "it took a row, which was rolled back")


def _postgresql(database: Database, connections: int) -> Iterator[Check]:
    told = database.settings
    if int(told["server_version_num"]) < OLDEST_POSTGRESQL:
        yield warning("PostgreSQL version", _name(database), "its faults are mended no more: upgrade it")
    yield _commit(database)
    yield _bounds(database)
    yield _sessions(database)
    off = [name for name in ("fsync", "full_page_writes") if told[name] == "off"]
    if off:
        said = f"{' and '.join(off)} off: a power loss may ruin the whole database"
        yield wrong("PostgreSQL disk", said, f"set {' and '.join(off)} on")
    else:
        yield good("PostgreSQL disk", "fsync and full_page_writes are on")
    yield _encoding(told["server_encoding"])
    if database.version == database.newest:
        yield _provided(database.provided_until)
    yield _connections(database, connections)


def _provided(until: datetime | None) -> Check:
    if until is None or until < datetime.now(UTC) + WEEK:
        said = "the coming week has none: its rows go where those of all such weeks are, and are found more slowly"
        return warning("partitions", said, f"{program()} migrate makes them; is beat running, which has it done?")
    return good("partitions", f"are there until {until:%Y-%m-%d}")


def _commit(database: Database) -> Check:
    ours, default = database.settings["synchronous_commit"], database.defaults["synchronous_commit"]
    if ours in WEAK_COMMITS:
        said = f"synchronous_commit {ours} in our transactions, although they ask for on"
        return wrong("commit", said, "batches are settled that are not on disk: what stands between us and PostgreSQL?")
    if default in WEAK_COMMITS:
        return good(
            "commit", f"synchronous_commit {ours} in our transactions, which ask for it; the default is {default}"
        )
    return good("commit", f"synchronous_commit {ours}")


def _bounds(database: Database) -> Check:
    wanted = {name: str(bound) for name, bound in BOUNDS_MS.items()} | {"transaction_isolation": "read committed"}
    other = [f"{name} {database.settings[name]}" for name in wanted if database.settings[name] != wanted[name]]
    if other:
        said = f"{', '.join(other)} in our transactions, although they ask for another"
        return wrong("transactions", said, "what stands between us and PostgreSQL?")
    return good("transactions", "have our timeouts and isolation")


def _sessions(database: Database) -> Check:
    if database.left_behind:
        said = f"other clients leave settings behind in them: {', '.join(database.left_behind)}"
        cure = "have those clients use SET LOCAL, or a pool of their own; each transaction of ours asks for its own"
        return warning("PostgreSQL sessions", said, cure)
    if database.pooled:
        return good("PostgreSQL sessions", "come from a pooler, and nobody left a setting behind in ours")
    return good("PostgreSQL sessions", "are ours alone")


def _encoding(told: str) -> Check:
    if told == "UTF8":
        return good("encoding", "UTF8")
    if told == "SQL_ASCII":
        said = "SQL_ASCII: it checks no text, and others may read it wrongly"
        return warning("encoding", said, "dump it, make it anew with ENCODING 'UTF8', and restore")
    said = f"{told}: what people write in other letters is refused"
    return wrong("encoding", said, "dump it, make it anew with ENCODING 'UTF8', and restore")


def _connections(database: Database, wanted_: int) -> Check:
    there = int(database.settings["max_connections"]) - int(database.settings["superuser_reserved_connections"])
    said = f"{database.connections} of {there} open, ours may be {wanted_}"
    cure = "raise max_connections, or lower SEVEN_WORKER_THREADS"
    if wanted_ > there:
        return wrong("connections", said, cure)
    if max(wanted_, database.connections) > there * FULLEST:
        return warning("connections", said, cure)
    return good("connections", said)


def _sqlite(database: Database) -> Iterator[Check]:
    told = database.settings
    if told["synchronous"] not in ("2", "3"):  # FULL, EXTRA
        said = f"synchronous={told['synchronous']}: a power loss takes rows that were settled"
        yield wrong("commit", said, "our sessions ask for FULL: what stands between us and the file?")
    else:
        yield good("commit", "synchronous=FULL")
    if told["journal_mode"] != "wal":
        said = f"journal_mode={told['journal_mode']}: readers and writers wait for each other"
        yield wrong("journal", said, "put the file on a local disk; SQLite's WAL does not work over a network")
    else:
        yield good("journal", "journal_mode=WAL")
