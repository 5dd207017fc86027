"""Health: a ledger that cannot keep what it accepts is not ready, and says why; its limit."""

import asyncio
import resource
from contextlib import suppress
from pathlib import Path

from redis.asyncio import Redis
from redis.exceptions import ResponseError

from ledger.client import Ledger
from ledger.health import LedgerHealth, probe
from tests.servers import Valkey, eventually, valkey


def probed(url: str, limit: int = 10**9) -> LedgerHealth:
    """The health of a server, by one probe."""

    async def run() -> LedgerHealth:
        async with Redis.from_url(url) as redis:
            return await probe(redis, limit)

    return asyncio.run(run())


class FullDisk(Valkey):
    """A server whose files may not exceed a size."""

    def command(self) -> list[str]:
        """With errors instead of the signal that would end it."""
        return ["env", "--ignore-signal=XFSZ", *super().command()]

    def fill(self) -> None:
        """Leave it no room for another write."""
        assert self.process
        resource.prlimit(self.process.pid, resource.RLIMIT_FSIZE, (4096, resource.RLIM_INFINITY))
        with self.client() as client, suppress(ResponseError):
            for _ in range(100):
                client.set("ballast", "x" * 4096)


def test_a_ledger_in_memory_only_is_not_ready(tmp_path: Path):
    """What it confirms would be gone with its process."""
    with valkey(tmp_path, "--appendonly", "no") as server:
        assert probed(server.url).reasons == ("it keeps no append-only file (appendonly no)",)


def test_a_ledger_that_cannot_write_its_file_is_not_ready(tmp_path: Path):
    """Also one that goes on after the failure, as every server does that does not fsync each write."""
    server = FullDisk(tmp_path, "--appendfsync", "everysec")
    server.start()
    try:
        assert probed(server.url).reasons == ()
        server.fill()
        eventually(lambda: "its last write to the append-only file failed" in probed(server.url).reasons)
    finally:
        server.kill()


def test_a_ledger_without_a_limit_gets_one(redis_url: str, ledger: Ledger):
    """Where Redis has no maxmemory, or a higher one, the configured limit counts."""
    before = ledger.redis.config_get("maxmemory")["maxmemory"]
    try:
        assert probed(redis_url, 10**6).limit == 10**6
        ledger.redis.config_set("maxmemory", 0)
        assert probed(redis_url, 10**6).limit == 10**6
        ledger.redis.config_set("maxmemory", 10**8)
        assert probed(redis_url, 10**9).limit == 10**8
    finally:
        ledger.redis.config_set("maxmemory", before)
