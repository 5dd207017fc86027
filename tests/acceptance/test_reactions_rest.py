"""A target that rests, on real processes: commands end the rest, and what waits is sent at once."""

from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import Engine

from tests.acceptance.subscribers import Subscriber, begin, serving, write_file
from tests.cli.installation import CommandLine
from tests.factories.changes import write
from tests.processes import dispatcher, running
from tests.servers import eventually

HOURS_S = 3 * 3600


def report(engine: Engine, msg_id: str) -> None:
    """A message was delivered just now."""
    at = datetime.now(UTC).replace(microsecond=0)
    write(engine, [[("dlr", {"msg_id": msg_id, "status": "DELIVERED", "timestamp": int(at.timestamp())})]], sent_at=at)


@pytest.mark.duration(7)
@pytest.mark.parametrize(("words", "sent"), [("retry shop --yes", "123"), ("resume shop", "23")])
def test_a_person_ends_the_rest(
    engine: Engine, database_url: str, redis_url: str, tmp_path: Path, words: str, sent: str
):
    """The target asked to be left alone for hours, and is mended meanwhile. `resume` is not about what has failed."""
    is_mended: list[bool] = []
    shop = Subscriber("shop", lambda _: 204 if is_mended else 503, retry_after_s=HOURS_S)
    settings = {"REDIS_URL": redis_url, "DATABASE_URL": database_url, "SEVEN_METRICS_ADDRESS": "off"}
    with serving(shop):
        settings["SEVEN_REACTIONS_FILE"] = str(write_file(tmp_path, shop, more="concurrency = 1"))
        commands = CommandLine(tmp_path, **settings)
        with running(dispatcher(tmp_path, settings)):
            begin(engine)
            report(engine, "1")
            eventually(lambda: commands.answer("reactions", "show", "shop")["last_failure"] == "status 503")
            for msg_id in "23":
                report(engine, msg_id)
            eventually(lambda: commands.answer("reactions", "show", "shop")["waiting"] == 3)
            is_mended.append(True)
            if words.startswith("resume"):
                assert commands.run("reactions", "pause", "shop").returncode == 0
            assert commands.run("reactions", *words.split()).returncode == 0
            eventually(lambda: shop.standings() == dict.fromkeys(sent, "DELIVERED"))
    assert len(shop.refused) == 1
