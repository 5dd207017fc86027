"""forget with an erasure key: what it says, what it keeps, and `kill -9` at any moment."""

import signal
import sqlite3
import subprocess
from contextlib import closing

import pytest

from seven.data_subject import Number
from seven.forgotten_numbers import ErasureKey
from seven.records import InboundMessage, OptOut, OptOutEvent
from store.engine import create_store_engine
from store.forgotten import ForgottenRegister
from store.projection import project_batch
from store.projection_options import NO_OPTIONS
from store.row_writer import Store
from tests.cli.installation import CommandLine
from tests.extent import size, sized
from tests.factories.archive import rows
from tests.factories.dead_letters import batch_of
from tests.factories.envelopes import NOW, envelope
from tests.factories.traces import all_text
from tests.forks import COMMAND
from tests.servers import PATIENCE_S, eventually

NUMBER, DIGITS = "+491512345678", "491512345678"
SECRET = "uFq8Zr2kYw0BvX5nT1sLpA7cQ3dE9gHj"
HASH = ErasureKey(SECRET).hash(DIGITS)


@pytest.fixture
def kept(installation: CommandLine, migrated: CommandLine, redis_url: str) -> CommandLine:
    """An installation with an SMS and an opt-out of one person."""
    installation.environment |= {"REDIS_URL": redis_url, "SEVEN_ERASURE_KEY": SECRET}
    write(installation)
    return installation


def write(installation: CommandLine, number: int = 1, register: ForgottenRegister | None = None) -> None:
    engine = create_store_engine(f"sqlite:///{installation.data / 'seven.db'}")
    store = Store(engine, register or ForgottenRegister()).fenced()
    lines = [envelope(f"s{n}", "sms_mo", id=str(n), sender=NUMBER, text="STOP").line() for n in range(number)]
    projections = project_batch(batch_of(*lines), NO_OPTIONS.with_forgotten(store.forgotten))
    store.write(row for projection in projections for row in projection.rows())
    if register is None:
        store.write([
            OptOut(DIGITS, "4930123", "sms", NOW, "out", "STOP", "0"),
            OptOutEvent(DIGITS, "4930123", "sms", NOW, "out", "0", "STOP"),
            OptOut(DIGITS, "", "sms", NOW, "out", f"called from {NUMBER}", ""),
        ])  # fmt: skip
    engine.dispose()


def database(installation: CommandLine, query: str) -> list[tuple[str, ...]]:
    with closing(sqlite3.connect(installation.data / "seven.db")) as connection:
        return connection.execute(query).fetchall()


def test_forgetting_lasts_and_says_so(kept: CommandLine):
    """The number is kept as a hash alone, its opt-outs stand under that, and a repeat brings nothing back."""
    done = kept.answer("forget", NUMBER, "--yes")
    assert (done["lasts"], done["left"]) == (True, None)
    assert done["done"]["blanked"] == {"deliveries": 1, "inbound_messages": 1, "opt_out_events": 1, "opt_outs": 2}
    assert [row[0] for row in database(kept, "SELECT hash FROM forgotten")] == [HASH]
    assert database(kept, "SELECT number, recipient, state, word FROM opt_outs ORDER BY 2") == [
        (HASH, "", "out", None),
        (HASH, "4930123", "out", "STOP"),
    ]
    write(kept, register=ForgottenRegister(ErasureKey(SECRET)))
    engine = create_store_engine(f"sqlite:///{kept.data / 'seven.db'}")
    assert not Number.parse(NUMBER).is_in(all_text(engine))
    assert [row.text for row in rows(engine).values() if isinstance(row, InboundMessage)] == [None]
    engine.dispose()
    again = kept.run("forget", NUMBER, "--yes")
    assert (again.returncode, "blanked on its way" in again.stdout) == (0, True)
    assert "Warning" not in again.stderr


def test_without_a_key_it_warns(kept: CommandLine):
    """It blanks as before, says that it does not last, keeps the opt-outs, and exits with 0."""
    del kept.environment["SEVEN_ERASURE_KEY"]
    done = kept.run("forget", NUMBER, "--yes")
    assert (done.returncode, "SEVEN_ERASURE_KEY is not set" in done.stderr) == (0, True)
    assert database(kept, "SELECT count(*) FROM forgotten") == [(0,)]
    assert database(kept, "SELECT sender FROM inbound_messages") == [(None,)]
    assert database(kept, "SELECT DISTINCT number FROM opt_outs") == [(DIGITS,)]
    assert kept.run("forget", "--msg-id", "77", "--yes").stderr == ""


def test_the_key_of_the_installation(kept: CommandLine):
    """The key that `up` has made is used where none is set; one that cannot be read is a fault of configuration."""
    del kept.environment["SEVEN_ERASURE_KEY"]
    (kept.data / "erasure-key").write_text(f"{SECRET}\n")
    assert kept.answer("forget", NUMBER, "--dry-run")["lasts"] is True
    assert database(kept, "SELECT count(*) FROM forgotten") == [(0,)]
    (kept.data / "erasure-key").unlink()
    (kept.data / "erasure-key").mkdir()
    assert kept.run("forget", NUMBER, "--yes").returncode == 2


@sized
def test_killed_and_repeated(kept: CommandLine):
    """Killed once the number is written, it has forgotten it already for all who write; another run does the rest."""
    rows = size(1500, 3000)
    write(kept, rows)
    process = subprocess.Popen(
        [COMMAND, "forget", NUMBER, "--yes"], env=kept.environment, cwd=kept.directory, stdout=subprocess.DEVNULL
    )
    eventually(lambda: bool(database(kept, "SELECT hash FROM forgotten")), PATIENCE_S)
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert database(kept, "SELECT count(*) FROM inbound_messages WHERE sender IS NOT NULL") != [(0,)]
    write(kept, rows + 100, ForgottenRegister(ErasureKey(SECRET)))
    assert kept.answer("forget", NUMBER, "--yes")["left"] is None
    assert database(kept, "SELECT count(*) FROM inbound_messages WHERE sender IS NOT NULL") == [(0,)]
    assert database(kept, "SELECT count(*) FROM deliveries WHERE payload IS NOT NULL") == [(0,)]
