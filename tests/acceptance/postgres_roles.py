"""A database of an owner that is no superuser, with the roles of deploy/postgres/roles.sql."""

from dataclasses import dataclass

import psycopg

from store.engine import create_store_engine
from store.migrate import migrate
from store.reader_role import provide_reader
from tests.processes import ROOT
from tests.servers import Postgres

FILE = ROOT / "deploy/postgres/roles.sql"
OWNER, READER = "schema_owner", "seven_readonly"
ROLES = ("seven_worker", "seven_dispatcher", "seven_operator")


@dataclass(frozen=True)
class RoleDatabase:
    """The database, and what the server has said since it was made."""

    server: Postgres
    name: str
    log_began_at: int

    def url(self, role: str) -> str:
        return self.server.url(self.name).replace("seven@", f"{role}@")

    def connect(self, role: str) -> "psycopg.Connection[tuple[object, ...]]":
        return psycopg.connect(self.url(role), autocommit=True)

    def denied(self) -> list[str]:
        """What the server has denied so far."""
        lines = self.server.log.read_bytes()[self.log_began_at :].decode(errors="replace").splitlines()
        return [line for line in lines if "permission denied" in line or "must be owner" in line]

    def run_file(self) -> None:
        """Run roles.sql, as its owner does."""
        with self.connect(OWNER) as connection:
            connection.execute(FILE.read_text())

    def migrate(self) -> None:
        """Migrate, as its owner does."""
        engine = create_store_engine(self.url(OWNER))
        migrate(engine)
        engine.dispose()


def database_with_roles(server: Postgres) -> RoleDatabase:
    """A new database with all tables, roles and the role that only reads, made by its owner."""
    name = server.database("template0").rpartition("/")[2]
    with psycopg.connect(server.url("postgres"), autocommit=True) as admin:
        if not admin.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", (OWNER,)).fetchone():
            admin.execute(f"CREATE ROLE {OWNER} LOGIN CREATEROLE")
        admin.execute(f"ALTER DATABASE {name} OWNER TO {OWNER}")
    database = RoleDatabase(server, name, server.log.stat().st_size)
    database.migrate()
    database.run_file()
    engine = create_store_engine(database.url(OWNER))
    assert provide_reader(engine, database.url(READER)) is None
    engine.dispose()
    return database
