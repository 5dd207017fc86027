"""Database URL: parsed once; one that no connection could use is a configuration error, which quotes no secret."""

import os
import sys
from pathlib import Path

import pytest
from pydantic import ValidationError
from sqlalchemy import text

from cli.settings import HomeSettings, ServerSettings
from runtime.database_url import DatabaseServer
from store.engine import create_store_engine, database_url
from tests.conftest import TOKEN
from tests.forks import run_script
from tests.processes import ROOT, Process, Receiver, beat, worker
from tests.servers import PATIENCE_S, Postgres
from workers.settings import WorkerSettings

SECRET = "hunter2"
ESCAPE = "in a password write / ? # @ [ ] as %2F %3F %23 %40 %5B %5D"


@pytest.mark.parametrize(
    ("url", "message"),
    [
        pytest.param("", "is expected", id="empty"),
        pytest.param(f"mysql://u:{SECRET}@h/d", "sqlite:///… or postgresql://… is expected", id="another database"),
        pytest.param("sqlite://", "a file is expected", id="in memory"),
        pytest.param("sqlite:///", "a file is expected", id="in memory, with slashes"),
        pytest.param("sqlite:///:memory:", "a file is expected", id="in memory, by its name"),
        pytest.param("sqlite://x/y.db", "three slashes", id="two slashes"),
        pytest.param("sqlite:///x.db?mode=memory&uri=true", "no options", id="options of SQLite"),
        pytest.param("sqlite:////tmp", "not a directory", id="a directory"),
        pytest.param("sqlite+aiosqlite:///x.db", "driver", id="another driver of SQLite"),
        pytest.param(f"postgresql+psycopg2://u:{SECRET}@h/d", "driver", id="psycopg2"),
        pytest.param(f"postgresql+asyncpg://u:{SECRET}@h/d", "driver", id="asyncpg"),
        pytest.param(f"postgresql://u:{SECRET}@h/d?pgbouncer=true", "?pgbouncer= is no parameter", id="Prisma's option"),
        pytest.param(f"postgresql://u:{SECRET}@h/d?prepare_threshold=0", "?prepare_threshold= is no", id="the driver's option"),
        pytest.param(f"postgresql://u:{SECRET}@h/d?sslmode=on", "sslmode is one of: disable", id="a value"),
        pytest.param(f"postgresql://u:{SECRET}@h/d?connect_timeout=5s", "connect_timeout is a number", id="no number"),
        pytest.param(f"postgresql://u:{SECRET}@h/d?sslmode=require&sslmode=disable", "?sslmode= is there twice", id="twice"),
        pytest.param(f"postgresql://u:{SECRET}@h:port/d", "is expected", id="a port with a name"),
        pytest.param(f"postgresql://u:{SECRET}@h:99999/d", "is expected", id="no port"),
        pytest.param(f"postgresql://u:{SECRET}@h:0/d", "port 0", id="port 0"),
        pytest.param(f"postgresql://u:a@{SECRET}@h/d", ESCAPE, id="an at sign in the password"),
        pytest.param(f"postgresql://u:a/{SECRET}@h/d", ESCAPE, id="a slash"),
        pytest.param(f"postgresql://u:12/{SECRET}@h/d", ESCAPE, id="a slash after digits"),
        pytest.param(f"postgresql://u:12#{SECRET}@h/d", ESCAPE, id="a number sign"),
        pytest.param(f"postgresql://u:12?{SECRET}@h/d", ESCAPE, id="a question mark"),
        pytest.param(f"postgresql://u:{SECRET}[@h/d", ESCAPE, id="a bracket"),
        pytest.param(f"postgresql://u:{SECRET}[::1]@h/d", ESCAPE, id="brackets around an address"),
        pytest.param(f"postgresql://u:{SECRET}\t@h/d", "control character", id="a tab"),
        pytest.param(f"postgresql://u:{SECRET}\udcff@h/d", "not UTF-8", id="a byte that is not UTF-8"),
        pytest.param(f"postgresql://u:{SECRET}%00@h/d", "%00", id="NUL"),
        pytest.param(f"postgresql://u:{SECRET}@a..b/d", "no name or address", id="a host that no resolver takes"),
        pytest.param(f"postgresql://u:{SECRET}@/d?host=a..b", "no name or address", id="such a host as an option"),
        pytest.param("postgresql://:5432/d", "the host is missing", id="a port of no host"),
        pytest.param(f"postgresql://u:{SECRET}@h", "the database is missing", id="no database"),
        pytest.param(f"postgresql://u:{SECRET}@h/", "the database is missing", id="an empty database"),
        pytest.param(f"postgresql:u:{SECRET}@h/d", "is expected", id="no slashes"),
    ],
)  # fmt: skip
def test_an_unusable_url_is_a_configuration_error(url: str, message: str):
    """The message says what is expected, and quotes names of options only."""
    for settings in (ServerSettings, HomeSettings, WorkerSettings):
        with pytest.raises(ValidationError) as refused:
            settings(database_url=url, seven_hook_token=TOKEN)
        (error,) = refused.value.errors(include_input=False)
        assert error["loc"] == ("database_url",)
        assert message in error["msg"]
        assert SECRET not in error["msg"]


@pytest.mark.parametrize(
    ("url", "rendered"),
    [
        pytest.param("sqlite:////x.db", "sqlite:////x.db", id="SQLite"),
        pytest.param("sqlite+pysqlite:///data/a b#%3F.db", "sqlite:///data/a b%23%3F.db", id="escapes in a file's name"),
        pytest.param("postgres://u@h/d", "postgresql+psycopg://u@h/d", id="the short scheme"),
        pytest.param("postgresql+psycopg://u@h/d", "postgresql+psycopg://u@h/d", id="our driver"),
        pytest.param("postgresql://u:a%40b%2Fc@H:1/d", "postgresql+psycopg://u:a%40b%2Fc@H:1/d", id="escapes"),
        pytest.param("postgresql://u:p@[::1]:1/d", "postgresql+psycopg://u:p@[::1]:1/d", id="an IPv6 address"),
        pytest.param("postgresql:///d", "postgresql+psycopg:///d", id="the local socket"),
        pytest.param("postgresql://u:p@/d", "postgresql+psycopg://u:p@/d", id="the local socket, with a password"),
        pytest.param("postgresql://u:p@/d?hostaddr=::1", "postgresql+psycopg://u:p@/d?hostaddr=%3A%3A1", id="hostaddr"),
        pytest.param(
            "postgresql://u@/d?host=a,b&port=1,2", "postgresql+psycopg://u@/d?host=a%2Cb&port=1%2C2", id="hosts and ports"
        ),
        pytest.param("postgresql://u:@/d?host=/run/pg", "postgresql+psycopg://u:@/d?host=%2Frun%2Fpg", id="a socket"),
        pytest.param(
            "postgresql://u:p@/d?host=a:1&host=b:2&target_session_attrs=primary",
            "postgresql+psycopg://u:p@/d?host=a%3A1&host=b%3A2&target_session_attrs=primary", id="several hosts",
        ),
        pytest.param(
            "postgresql://u:p@h/d?sslmode=verify-full&sslrootcert=/x.pem",
            "postgresql+psycopg://u:p@h/d?sslmode=verify-full&sslrootcert=%2Fx.pem", id="TLS",
        ),
    ],
)  # fmt: skip
def test_a_usable_url(url: str, rendered: str):
    """It keeps its meaning, and its parts are shown without its secrets."""
    assert database_url(url).render_as_string(hide_password=False) == rendered
    assert not {"p", "a@b/c"} & set(repr(DatabaseServer.parse(url)).split("'"))


def test_a_connection_with_options(postgres: Postgres):
    """PostgreSQL's own parameters reach the server."""
    engine = create_store_engine(f"{postgres.database()}?application_name=named&connect_timeout=5&sslmode=prefer")
    with engine.connect() as connection:
        assert connection.execute(text("SHOW application_name")).scalar() == "named"
    engine.dispose()


FLOWER = [sys.executable, "-m", "celery", "-A", "workers.app", "flower", "--port=0"]


@pytest.mark.parametrize(
    "database", ["sqlite://", f"postgresql://u:{SECRET}@h/d?pgbouncer=true"], ids=["memory", "option"]
)
@pytest.mark.parametrize("process", [worker, beat, lambda *args: Process("flower", args[0], FLOWER, args[1])], ids=["worker", "beat", "flower"])  # fmt: skip
def test_no_process_starts_with_an_unusable_database(tmp_path: Path, process, database: str):
    """Exit code 2 and one line, at once."""
    starting: Process = process(tmp_path, {"DATABASE_URL": database, "SEVEN_HOOK_TOKEN": TOKEN})
    Process.start(starting)
    assert starting.process
    assert starting.process.wait(PATIENCE_S) == 2
    (line,) = starting.log.read_text().splitlines()
    assert line.startswith("configuration: DATABASE_URL: ")
    assert SECRET not in line


@pytest.mark.parametrize("url", [f"redis://h:{SECRET}?db=3", f"redis://:12/{SECRET}@h/0"])
def test_no_receiver_starts_with_an_unusable_redis_url(tmp_path: Path, url: str):
    """The same for the one server that a receiver has."""
    receiver = Receiver(tmp_path, {"REDIS_URL": url, "SEVEN_HOOK_TOKEN": TOKEN})
    Process.start(receiver)
    assert receiver.process
    assert receiver.process.wait(PATIENCE_S) == 2
    (line,) = receiver.log.read_text().splitlines()
    assert line.startswith("configuration: REDIS_URL: ")
    assert SECRET not in line


@pytest.mark.parametrize("url", ["sqlite:///:memory:", f"postgresql://u:a@{SECRET}@h/d"])
def test_setup_refuses_an_unusable_database(tmp_path: Path, url: str):
    """Before any container starts."""
    (tmp_path / ".env").write_text(f"DATABASE_URL={url}\nSEVEN_HOOK_TOKEN={TOKEN}\nFLOWER_BASIC_AUTH=ops:{'x' * 12}\n")
    arguments = [str(ROOT / "deploy/setup.py"), str(tmp_path / ".env")]
    result = run_script(arguments, ROOT, {"PATH": os.environ["PATH"]})
    assert result.returncode == 2
    (line,) = result.stderr.splitlines()
    assert line.startswith("configuration: DATABASE_URL: ")
    assert SECRET not in line
