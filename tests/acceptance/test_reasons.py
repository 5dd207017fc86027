"""Reasons: every process and command says in the same words why a server does not answer."""

from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.acceptance.test_tls import System, migrated
from tests.conftest import TOKEN
from tests.processes import running
from tests.servers import eventually, free_port

SECRET = "hunter2"
REASON = "ECONNREFUSED: nothing listens there"


def outputs(system: System, commands: Sequence[Sequence[str]], **settings: str) -> dict[str, str]:
    """What each command prints, its lines joined."""
    results = {" ".join(words): system.installation.run(*words, **settings) for words in commands}
    return {words: " ".join((result.stdout + result.stderr).split()) for words, result in results.items()}


@pytest.mark.duration(20)
def test_redis_is_away(tmp_path: Path):
    """Receiver, worker, beat and every command that needs the ledger."""
    system = migrated(tmp_path, f"redis://:{SECRET}@127.0.0.1:{free_port()}/0")
    expected = f"ConnectionError {REASON}"
    with running(system.worker, system.beat, system.receiver):
        for name in system.addresses:
            eventually(lambda name=name: f"the ledger does not answer ({expected})" in system.ready(name)[1], 60)
        commands = (("status",), ("doctor", "--offline"), ("audit",), ("forget", "--msg-id", "7", "--yes"))
        texts = outputs(system, commands)
    assert {words: expected in text for words, text in texts.items()} == dict.fromkeys(texts, True)
    logs = "".join(process.log.read_text() for process in (system.worker, system.beat, system.receiver))
    assert expected in logs
    assert SECRET not in logs + "".join(texts.values())


@pytest.mark.duration(20)
def test_the_database_is_away(tmp_path: Path, redis_url: str):
    """A worker's readiness, its hold, its log and every command that needs the database."""
    system = System(tmp_path, redis_url)
    database = {"DATABASE_URL": f"postgresql://u:{SECRET}@127.0.0.1:{free_port()}/d"}
    for process in (system.worker, system.beat):
        process.environment |= database
    expected = f"OperationalError {REASON}"
    with running(system.worker, system.beat):
        eventually(lambda: f"the database accepts no writes ({expected})" in system.ready("worker")[1], 60)
        commands = (
            ("status",), ("doctor", "--offline"), ("audit",), ("trace",), ("dead", "list"), ("migrate",),
            ("rebuild", "--type", "dlr", "--yes"), ("forget", "--msg-id", "7", "--yes"),
        )  # fmt: skip
        texts = outputs(system, commands, **database, SEVEN_HOOK_TOKEN=TOKEN)
    assert {words: expected in text for words, text in texts.items()} == dict.fromkeys(texts, True)
    log = system.worker.log.read_text()
    assert expected in log
    assert SECRET not in log + "".join(texts.values())
