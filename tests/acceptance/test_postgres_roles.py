"""Roles of deploy/postgres/roles.sql: real processes and commands have all rights they need, and no others."""

import re
from contextlib import ExitStack
from pathlib import Path

import httpx2
import psycopg
import pytest
from celery import Celery

from ledger.announcements import CLOCK, broker
from ledger.client import Ledger
from seven.events import EVENT_TYPES
from seven.records import MessageStatus
from store.database_roles import roles_file
from store.engine import create_store_engine
from store.migrate import migrate
from store.partitions import WEEK, monday, partitions, provide
from store.row_writer import Store
from store.schema import deliveries
from tests.acceptance.postgres_roles import FILE, OWNER, READER, ROLES, RoleDatabase, database_with_roles
from tests.acceptance.subscribers import Subscriber, begin, serving, write_file
from tests.cli.installation import CommandLine
from tests.conftest import TOKEN
from tests.emulator.emulator_process import KEY, run_emulator
from tests.factories.aged_rows import NOW, keep_days, retain, row
from tests.processes import Console, Receiver, beat, dispatcher, running, worker
from tests.servers import PATIENCE_S, Postgres, eventually

COMMANDS = (
    *(("status",), ("audit",), ("doctor", "--offline"), ("dead", "list"), ("trace", "4917612345678")),
    *(("hooks", "plan"), ("backfill", "--yes"), ("rebuild", "--type", "dlr", "--yes"), ("opt-outs", "scan")),
    *(("opt-outs", "add", "+4917612345678"), ("opt-outs", "list"), ("reactions", "list")),
    *(("reactions", "pause", "shop"), ("reactions", "resume", "shop"), ("query", "SELECT count(*) FROM messages")),
    ("forget", "+4917612345678", "--yes"),
)
CHANGES = ("DROP TABLE seven.links", "ALTER TABLE seven.links ADD x text", "CREATE TABLE seven.x (id text)",
           "TRUNCATE seven.links", "DROP SCHEMA seven CASCADE", "CREATE SCHEMA x", "CREATE ROLE x",
           "UPDATE seven.seven_ingest_version SET version_num = '1'",
           "CREATE TRIGGER x BEFORE INSERT ON seven.links FOR EACH ROW EXECUTE FUNCTION suppress_redundant_updates_trigger()")  # fmt: skip
WRITES = ("INSERT INTO seven.deliveries (id) VALUES ('x')", "UPDATE seven.messages SET status = 'x'",
          "DELETE FROM seven.dead_letters")  # fmt: skip
ERASES = ("UPDATE seven.fences SET generation = 1", "INSERT INTO seven.forgotten (hash) VALUES ('x')",
          "DELETE FROM seven.forgotten")  # fmt: skip
NOTIFIES = ("UPDATE seven.notifications SET state = 'sent'", "UPDATE seven.reactions SET state = 'off'")
MUST_NOT = {
    "seven_worker": [*CHANGES, *ERASES, *NOTIFIES],
    "seven_dispatcher": [*CHANGES, *WRITES, *ERASES, "DELETE FROM seven.changes"],
    "seven_operator": [*CHANGES],
    READER: [*CHANGES, *WRITES, *ERASES, *NOTIFIES],
}


@pytest.fixture
def database(postgres: Postgres) -> RoleDatabase:
    return database_with_roles(postgres)


@pytest.mark.parametrize("role", MUST_NOT)
def test_what_a_role_must_not_do_is_refused(database: RoleDatabase, role: str):
    """Change tables, and what is another's business; by itself, or as the owner."""
    with database.connect(role) as connection:
        connection.execute("SET default_transaction_read_only = off")
        statements = (*MUST_NOT[role], f"SET ROLE {OWNER}")
        assert [statement for statement in statements if is_allowed(connection, statement)] == []


def is_allowed(connection: "psycopg.Connection[tuple[object, ...]]", statement: str) -> bool:
    try:
        connection.execute(statement)
    except psycopg.errors.InsufficientPrivilege:
        return False
    return True


def test_the_file_may_be_run_again(database: RoleDatabase):
    """As after every migration: nothing changes, rights that were given by hand go, and new tables have their rights."""
    with database.connect(OWNER) as connection:
        connection.execute("GRANT DELETE ON seven.messages TO seven_dispatcher")
        connection.execute("CREATE TABLE seven.of_a_later_version (id text)")
    assert rights(database, "seven_dispatcher", "messages") == {"SELECT", "DELETE"}
    assert rights(database, "seven_worker", "of_a_later_version") == {"SELECT", "INSERT", "UPDATE", "DELETE"}
    assert rights(database, "seven_dispatcher", "of_a_later_version") == {"SELECT"}
    database.run_file()
    assert rights(database, "seven_dispatcher", "messages") == {"SELECT"}
    assert FILE.read_text() == roles_file()


def test_a_migration_keeps_the_rights_of_roles_that_were_made_here(database: RoleDatabase, postgres: Postgres):
    """Also after a restore without them, once the file has let the roles in; a database next to it gives them none."""
    with database.connect(OWNER) as connection:
        connection.execute("GRANT DELETE ON seven.messages TO seven_dispatcher")
        connection.execute("REVOKE ALL ON seven.notifications FROM seven_dispatcher")
    database.migrate()
    assert rights(database, "seven_dispatcher", "messages") == {"SELECT"}
    assert rights(database, "seven_dispatcher", "notifications") == {"SELECT", "INSERT", "UPDATE", "DELETE"}

    with database.connect(OWNER) as connection:
        connection.execute("REVOKE ALL ON SCHEMA seven FROM seven_worker")  # as after a restore
    database.migrate()
    with database.connect("seven_worker") as connection, pytest.raises(psycopg.errors.InsufficientPrivilege):
        connection.execute("SELECT 1 FROM seven.messages")

    url = postgres.database()
    engine = create_store_engine(url)
    migrate(engine)
    engine.dispose()
    with psycopg.connect(url) as connection:
        query = "SELECT bool_or(has_schema_privilege(oid, 'seven', 'USAGE')) FROM pg_roles WHERE rolname = ANY(%s)"
        assert connection.execute(query, (list(ROLES),)).fetchone() == (False,)


def test_what_belongs_to_others_keeps_no_migration_from_its_end(
    database: RoleDatabase, caplog: pytest.LogCaptureFixture
):
    """A view that an administrator made in our schema: the rights stay as they are, and the log says what to run."""
    with psycopg.connect(database.server.url(database.name), autocommit=True) as admin:
        admin.execute("CREATE VIEW seven.of_an_administrator AS SELECT 1 AS x")
    with database.connect(OWNER) as connection:
        connection.execute("REVOKE ALL ON seven.notifications FROM seven_dispatcher")
    database.migrate()
    assert "the rights of roles stay as they are: run deploy/postgres/roles.sql" in caplog.text
    assert rights(database, "seven_dispatcher", "notifications") == set()


def rights(database: RoleDatabase, role: str, table: str) -> set[str]:
    query = "SELECT has_table_privilege(%s, %s, %s)"
    names = ("SELECT", "INSERT", "UPDATE", "DELETE", "TRUNCATE", "REFERENCES", "TRIGGER")
    with database.connect(OWNER) as connection:
        return {
            name for name in names if connection.execute(query, (role, f"seven.{table}", name)).fetchone() == (True,)
        }


def test_rights_are_enough_for_every_process_and_command(
    database: RoleDatabase, tmp_path: Path, redis_url: str, ledger: Ledger
):
    """Deliveries of every type become rows and changes, scheduled tasks and commands run; nothing is denied."""
    with ExitStack() as stack:
        emulator = stack.enter_context(run_emulator(api_key=KEY))
        stack.enter_context(serving(shop := Subscriber("shop")))
        file = write_file(tmp_path, shop, on='["message.*", "health.*"]')
        settings = {
            "REDIS_URL": redis_url, "SEVEN_HOOK_TOKEN": TOKEN, "SEVEN_SWEEP_S": "1", "SEVEN_API_KEY": KEY,
            "SEVEN_API_URL": f"{emulator.url}/api", "SEVEN_PUBLIC_URL": "https://hooks.invalid",
            "SEVEN_METRICS_ADDRESS": "off", "SEVEN_READER_URL": database.url(READER),
            "SEVEN_KEEP_DELIVERIES_DAYS": "90", "SEVEN_ERASURE_KEY": "a-key-for-those-who-are-forgotten",
        }  # fmt: skip

        def environment(role: str) -> dict[str, str]:
            return settings | {"DATABASE_URL": database.url(role)}

        receiver = Receiver(tmp_path, settings)
        processes = (
            receiver,
            worker(tmp_path, environment("seven_worker")),
            dispatcher(tmp_path, environment("seven_dispatcher") | {"SEVEN_REACTIONS_FILE": str(file)}),
            beat(tmp_path, environment("nobody-at-all")),  # it needs no database
            console := Console(tmp_path, environment(READER)),
        )
        stack.enter_context(running(*processes))
        for name, event in EVENT_TYPES.items():
            body = {"webhook_event": name, "data": dict(event.example)}
            assert httpx2.post(f"{receiver.url}/hooks/{TOKEN}", json=body, timeout=PATIENCE_S).status_code == 202
        httpx2.post(f"{receiver.url}/hooks/{TOKEN}", content=b"\xff{", timeout=PATIENCE_S)
        eventually(lambda: ledger.redis.hlen("seven:batches") == 0 or database.denied())
        assert database.denied() == []
        engine = create_store_engine(database.url(OWNER))
        begin(engine)
        engine.dispose()

        def is_notified(number: int = 0) -> bool:
            body = {"webhook_event": "dlr", "data": {"msg_id": f"7{number}", "status": "DELIVERED"}}
            httpx2.post(f"{receiver.url}/hooks/{TOKEN}", json=body, timeout=PATIENCE_S)
            return bool(shop.received)

        numbers = iter(range(10_000))
        eventually(lambda: is_notified(next(numbers)) or database.denied(), every_s=1)
        with Celery(set_as_current=False, changes=broker(redis_url)) as app:
            for task in ("audit", "retain", "delivery-rate", "opt-outs", "journal", "reconcile"):
                app.send_task(task, queue=CLOCK)
        keys = ("audit", "retention", "delivery_rate", "opt_outs", "journal:latest", "hooks:latest")
        eventually(lambda: ledger.redis.exists(*(f"seven:{key}" for key in keys)) == len(keys) or database.denied())
        assert httpx2.get(console.url, timeout=PATIENCE_S).status_code == 200
        command = CommandLine(tmp_path, **environment("seven_operator"))
        for words in COMMANDS:
            result = command.run(*words)
            assert result.returncode in (0, 1), (words, result.stderr)
        assert database.denied() == []


def test_workers_remove_rows_and_the_owner_makes_and_drops_weeks(
    database: RoleDatabase, ledger: Ledger, caplog: pytest.LogCaptureFixture
):
    """Retention by a role that owns nothing is silent about weeks; `migrate` makes what is missing, drops what is empty."""
    owner, of_worker = (create_store_engine(database.url(role)) for role in (OWNER, "seven_worker"))
    with owner.begin() as connection:
        provide(connection, deliveries, NOW - 60 * WEEK)
        *_, last = [week for week in partitions(connection, deliveries) if week.until]
        connection.exec_driver_sql(f"DROP TABLE seven.{last.name}")
        weeks = [week.name for week in partitions(connection, deliveries)]
    Store(of_worker).write([row(1, 60 * WEEK), MessageStatus("a", "X", NOW - 60 * WEEK)])
    result = retain(ledger, of_worker, keep_days(histories=365, deliveries=365))

    def weeks_now() -> list[str]:
        with owner.connect() as connection:
            return [week.name for week in partitions(connection, deliveries)]

    assert (result.done, +result.removed) == (True, {"deliveries": 1, "message_statuses": 1})
    assert weeks_now() == weeks
    assert (database.denied(), [line for line in caplog.messages if "partition" in line]) == ([], [])
    database.migrate()
    expired = f"deliveries_{monday(NOW - 60 * WEEK):%Y%m%d}"
    assert (expired in weeks, expired in weeks_now(), last.name in weeks_now()) == (True, False, True)
    for engine in (owner, of_worker):
        engine.dispose()


def test_every_role_of_the_file_is_tried():
    """Each has a list of what it must not do."""
    assert set(re.findall(r"'(seven_\w+)'", FILE.read_text())) == set(ROLES)
    assert set(MUST_NOT) == {*ROLES, READER}
