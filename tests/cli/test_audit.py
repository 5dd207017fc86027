"""audit: its printed report, its JSON and its exit codes."""

import json
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, delete
from uuid_utils import uuid7

from ledger.client import Ledger
from store.schema import deliveries
from tests.cli.installation import CommandLine
from tests.factories.envelopes import Accept, envelope
from workers.consumer import Consumer

IDS = [str(uuid7()) for _ in range(4)]


@pytest.fixture
def dialect() -> str:
    """SQLite alone: `tests/operations/test_audit.py` audits both databases."""
    return "sqlite"


@pytest.fixture
def audited(installation: CommandLine, redis_url: str, database_url: str) -> CommandLine:
    installation.environment |= {"REDIS_URL": redis_url, "DATABASE_URL": database_url}
    return installation


@pytest.fixture
def kept(audited: CommandLine, consumer: Consumer, accept: Accept) -> CommandLine:
    """An installation with two deliveries that are rows, and one that waits in the ledger."""
    consumer.consume("dlr", [accept(envelope(IDS[0]), envelope(IDS[1]))])
    accept(envelope(IDS[2]))
    return audited


def lose(engine: Engine, delivery_id: str) -> None:
    with engine.begin() as connection:
        connection.execute(delete(deliveries).where(deliveries.c.id == delivery_id))


def test_a_sound_installation(kept: CommandLine):
    """Exit code 0, no loss in print and in JSON, and exact figures of a quiet system."""
    result = kept.run("audit")
    assert (result.returncode, "Nothing is lost." in result.stdout, "every figure is exact" in result.stdout) == (
        0,
        True,
        True,
    )
    answer = kept.answer("audit")
    (dlr,) = [series for series in answer["series"] if series["queue"] == "dlr"]
    assert (answer["lost"], answer["missing"], answer["quiet"]) == (False, 0, True)
    assert (dlr["given_out"], dlr["rows"], dlr["waiting"]) == (3, {"applied": 2}, 1)


def test_a_loss_is_reported_until_it_is_acknowledged(kept: CommandLine, engine: Engine):
    """Exit code 1 and the ordinal; once acknowledged it is counted, and the next audit is good."""
    lose(engine, IDS[1])
    result = kept.run("audit")
    assert result.returncode == 1
    assert "LOST: 1" in result.stdout
    assert kept.answer("audit", code=1)["series"][0]["missing_runs"] == [[2, 2]]
    result = kept.run("audit", "--acknowledge")
    assert (result.returncode, "from now on the audit is good" in result.stderr) == (1, True)
    answer = kept.answer("audit")
    assert (answer["lost"], answer["series"][0]["tallied"]) == (False, {"lost": 1})


@pytest.mark.parametrize(
    "write",
    [
        pytest.param(lambda ids: "\n".join(ids) + "\n", id="ids"),
        pytest.param(
            lambda ids: "".join(json.dumps({"id": id_, "outcome": "accepted"}) + "\n" for id_ in ids), id="answers"
        ),
        pytest.param(lambda ids: "\ufeff" + json.dumps([id_.upper() for id_ in ids]), id="an array, from an editor"),
        pytest.param(lambda ids: "id,status\n" + "".join(f'"{id_}",202\n' for id_ in ids), id="a spreadsheet's"),
        pytest.param(
            lambda ids: json.dumps(
                {
                    "log": f"… INFO seven.ingest accepted batch={uuid7()} first=1 ids={','.join(ids)}\n",
                    "stream": "stderr",
                }
            ),
            id="a log as Docker keeps it",
        ),
        pytest.param(
            lambda ids: (
                "2026-11-25 02:00:00,000 INFO seven.ingest receiving\n"
                f"2026-11-25 02:00:00,000 INFO seven.ingest accepted batch={uuid7()} queue=dlr deliveries={len(ids)} life=l first=1"
                f" ids={','.join(ids)}\n"
            ),
            id="a receiver's log",
        ),
        pytest.param(
            lambda ids: (
                'ingest-1  | {"timestamp":"2026-11-25T02:00:00.000+00:00","level":"info","event":"accepted",'
                f'"batch":"{uuid7()}","queue":"dlr","first":1,"ids":{json.dumps(ids)}}}\n'
            ),
            id="a receiver's log as JSON, with the container's name",
        ),
    ],
)
def test_ids_of_answers(kept: CommandLine, tmp_path: Path, write: Any):
    """In any notation it finds all ids, or names the missing ones with exit code 1."""
    file = tmp_path / "answers"
    file.write_text(write(IDS[:3]))
    assert kept.answer("audit", "--against", str(file))["against"] == {
        "told": 3, "rows": 2, "waiting": 1, "removed": 0, "missing": [],
    }  # fmt: skip
    file.write_text(write(IDS))
    result = kept.run("audit", "--against", str(file))
    assert (result.returncode, f"missing {IDS[3]}" in result.stdout) == (1, True)


def test_a_ledger_that_lost_everything(kept: CommandLine, ledger: Ledger, consumer: Consumer, accept: Accept):
    """The earlier life is reported with its last known ordinal, and when that was seen."""
    ledger.redis.flushall()
    consumer.consume("dlr", [accept(envelope(IDS[3]))])
    result = kept.run("audit")
    assert "Earlier lives" in result.stdout
    (before,) = kept.answer("audit", code=1)["earlier"]
    assert (before["given_out"], before["missing"], before["open_end"]) == (2, 0, True)
    assert before["last_seen_at"]


@pytest.mark.parametrize(
    ("settings", "code", "message"),
    [
        pytest.param({"REDIS_URL": "redis://127.0.0.1:1/0"}, 3, "REDIS_URL", id="no Redis"),
        pytest.param({"DATABASE_URL": "postgresql://u:hidden-word@127.0.0.1:1/x"}, 3, "database", id="no database"),
        pytest.param({"DATABASE_URL": "sqlite:////nowhere/seven.db"}, 3, "no database", id="no file"),
    ],
)
def test_a_server_is_away(installation: CommandLine, settings: dict[str, str], code: int, message: str):
    """That is no loss: exit code 3 and a sentence, without a secret."""
    if "DATABASE_URL" not in settings:
        assert installation.run("migrate").returncode == 0
    result = installation.run("audit", **settings)
    assert (result.returncode, message in result.stderr, "Traceback" in result.stderr) == (code, True, False)
    assert "hidden-word" not in result.stderr


def test_a_file_without_ids(kept: CommandLine, tmp_path: Path):
    """A wrong file is a usage error, as it proves nothing."""
    (tmp_path / "letter").write_text("Dear Sir or Madam\n")
    for name in ("nowhere", str(tmp_path / "letter")):
        assert kept.run("audit", "--against", name).returncode == 2
