"""The balance in `status` and in a worker's metrics, as a real worker and beat read it from a gateway."""

import re
from pathlib import Path
from typing import Any

import pytest

from tests.acceptance.test_metrics import metrics, value
from tests.cli.installation import CommandLine
from tests.gateway.stub_gateway import run_stub_gateway
from tests.processes import beat, running, worker
from tests.servers import eventually, free_port

KEY = "0123abcdef-of-some-account"


@pytest.fixture
def dialect() -> str:
    """The database has no part in it."""
    return "sqlite"


def balance(answer: dict[str, Any]) -> tuple[str, str]:
    """Grade and finding of the check, without the time of the read."""
    (check,) = (check for check in answer["checks"] if check["name"] == "balance")
    return check["grade"], re.sub(r"last read .*? ago", "last read", check["said"])


@pytest.mark.duration(20)
def test_the_balance_is_shown_until_a_read_fails(redis_url: str, database_url: str, tmp_path: Path):
    """Good, then low, then unknown; only what comes after an answer counts as present. No log has key or amount."""
    port = free_port()
    with run_stub_gateway() as stub:
        stub.prepare({"amount": 54.218093, "currency": "EUR"})
        settings = {
            "REDIS_URL": redis_url, "DATABASE_URL": database_url, "SEVEN_API_KEY": KEY, "SEVEN_API_URL": stub.url,
            "SEVEN_HOOKS_S": "1",
        }  # fmt: skip
        installation = CommandLine(tmp_path, **settings)
        processes = [
            worker(tmp_path, settings | {"SEVEN_METRICS_ADDRESS": f"127.0.0.1:{port}"}),
            beat(tmp_path, settings | {"SEVEN_METRICS_ADDRESS": "off"}),
        ]
        assert balance(installation.answer("status", code=1)) == ("warning", "not read yet")
        with running(*processes):
            eventually(lambda: value(metrics(port), "seven_balance_euros") == 54.218093, 60)
            answer = installation.answer("status", code=1)  # no receiver runs
            assert balance(answer) == ("good", "54.218093 EUR, last read")
            assert answer["redis"]["balance"]["last"] == {"amount": "54.218093", "currency": "EUR"}
            assert value(metrics(port), "seven_balance_low_euros") == 10
            stub.prepare(b"9.531724")
            eventually(lambda: balance(installation.answer("status", code=1))[0] == "warning", 60)
            low = "9.531724 EUR, last read; below SEVEN_BALANCE_LOW_EUROS=10"
            assert balance(installation.answer("status", code=1))[1] == low
            stub.prepare(b"903")
            eventually(lambda: balance(installation.answer("status", code=1))[0] == "unknown", 60)
        shown = installation.run("status").stdout
        assert "unknown, last read" in shown
        assert "9.531724 EUR" not in shown
        logs = "".join(process.log.read_text() for process in processes)
        assert "balance not read" in logs
        assert not [secret for secret in (KEY, "54.218093", "9.531724") if secret in logs + shown]
