"""The parts of a chaos run: schedule, links and skewed clocks."""

import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from urllib.parse import urlsplit

import pytest
import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from tests.chaos.links import Link, Links
from tests.chaos.options import Options
from tests.chaos.schedule import KINDS, schedule
from tests.processes import ROOT
from tests.servers import PATIENCE_S


@pytest.fixture
def link(redis_url: str) -> Iterator[tuple[Links, Link]]:
    """A link to a Redis."""
    links = Links()
    yield links, links.add("test", urlsplit(redis_url).port or 0)
    links.close()


def connect(link: Link) -> redis.Redis:
    return redis.Redis("127.0.0.1", link.port, socket_timeout=10, retry=Retry(NoBackoff(), 0))


@pytest.mark.parametrize("database", ["sqlite", "postgresql"])
def test_a_seed_determines_the_schedule(database: str) -> None:
    """The same seed plans the same faults at the same times; sixty faults include every kind of the database."""
    planned = schedule(Options(database, seed=3, minutes=8, faults=60))
    assert planned == schedule(Options(database, seed=3, minutes=8, faults=60))
    assert planned != schedule(Options(database, seed=4, minutes=8, faults=60))
    assert len(planned) >= 60
    assert {fault.kind for fault in planned} == {kind.name for kind in KINDS if database in kind.databases}
    assert [fault.at_s for fault in planned] == sorted(fault.at_s for fault in planned)


def test_a_link_passes_everything(link: tuple[Links, Link]) -> None:
    """Data of any size passes unchanged; delayed data arrives late and in order."""
    links, proxy = link
    with connect(proxy) as client:
        client.set("large", b"x" * 3_000_000)
        assert len(client.get("large") or b"") == 3_000_000
        links.do(lambda: proxy.disturb("delay", 0.1))
        began = time.monotonic()
        assert len(client.get("large") or b"") == 3_000_000
        assert time.monotonic() - began >= 0.2
        pipeline = client.pipeline()
        for number in range(100):
            pipeline.rpush("order", number)
        pipeline.execute()
        links.do(proxy.restore)
        assert client.lrange("order", 0, -1) == [str(number).encode() for number in range(100)]


def test_a_link_hangs_and_continues(link: tuple[Links, Link]) -> None:
    """While a link hangs, nothing passes on old and new connections; afterwards everything does."""
    links, proxy = link
    with connect(proxy) as old, connect(proxy) as new:
        old.ping()
        links.do(lambda: proxy.disturb("hang", 0))
        passed: list[bool] = []
        pinging = [threading.Thread(target=lambda client=client: passed.append(client.ping())) for client in (old, new)]
        for thread in pinging:
            thread.start()
        pinging[0].join(0.3)
        assert passed == []
        links.do(proxy.restore)
        for thread in pinging:
            thread.join(PATIENCE_S)
        assert passed == [True, True]


def test_a_link_is_cut(link: tuple[Links, Link]) -> None:
    """When a link is cut, its connections end at once and new ones as soon as they are accepted."""
    links, proxy = link
    with connect(proxy) as client:
        client.ping()
        links.do(lambda: proxy.disturb("cut", 0))
        for _ in range(2):
            with pytest.raises((redis.ConnectionError, OSError)):
                client.ping()
        links.do(proxy.restore)
        assert client.ping()


def test_clock_skew() -> None:
    """A program launched through clock_skew, even nested, sees a shifted clock that keeps ticking."""
    ran = subprocess.run(
        [sys.executable, "-m", "tests.chaos.clock_skew", "3600", "tests.chaos.clock_skew", "3600", "json.tool", "--help"],
        cwd=ROOT, capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert "usage" in ran.stdout
    printed = subprocess.run(
        [sys.executable, "-m", "tests.chaos.clock_skew", "3600", "timeit", "-n1", "-r1", "-s",
         "import datetime, time", "print(datetime.datetime.now(datetime.UTC).isoformat(), time.time())"],
        cwd=ROOT, capture_output=True, text=True, check=True,
    ).stdout.split()  # fmt: skip
    ahead = datetime.now(UTC) + timedelta(hours=1)
    assert abs(datetime.fromisoformat(printed[0]) - ahead) < timedelta(minutes=5)
    assert abs(float(printed[1]) - ahead.timestamp()) < 300
