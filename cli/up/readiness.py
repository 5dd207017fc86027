"""Readiness: waits with a deadline until a server that was started answers."""

import asyncio
import time
from collections.abc import Callable

import httpx2
from kombu.exceptions import OperationalError
from redis.exceptions import RedisError

from cli.installation import Installation
from ledger.client import Ledger
from ledger.schedules import beats
from operations.worker_info import consumers, dispatchers, living_workers
from runtime.network_errors import network_reason

POLL_S = 0.1


async def wait_for_receiver(installation: Installation, patience_s: float) -> str | None:
    """Wait until the receiver can accept deliveries. Returns None, or after `patience_s` the reason why it cannot."""
    return await _wait_for(f"{installation.receiver_url}/readyz", patience_s)


async def wait_for_flower(installation: Installation, patience_s: float) -> str | None:
    """Wait until Flower answers. Returns None, or after `patience_s` the reason why it does not."""
    return await _wait_for(f"http://127.0.0.1:{installation.settings.seven_flower_port}/healthcheck", patience_s)


async def wait_for_console(installation: Installation, patience_s: float) -> str | None:
    """Wait until the console answers. Returns None, or after `patience_s` the reason why it does not."""
    return await _wait_for(f"{installation.console_url}/livez", patience_s)


async def wait_for_emulator(installation: Installation, patience_s: float) -> str | None:
    """Wait until the emulator answers. Returns None, or after `patience_s` the reason why it does not."""
    return await _wait_for(f"{installation.emulator_url}/livez", patience_s)


async def wait_for_worker(installation: Installation, patience_s: float) -> str | None:
    """Wait until a worker answers. Returns None, or after `patience_s` the reason why none does."""
    redis_url = installation.redis_url
    return await _wait_until(lambda: bool(consumers(living_workers(redis_url, 0.3))), patience_s, "none answers")


async def wait_for_dispatcher(installation: Installation, patience_s: float) -> str | None:
    """Wait until a dispatcher answers. Returns None, or after `patience_s` the reason why none does."""
    redis_url = installation.redis_url
    return await _wait_until(lambda: bool(dispatchers(living_workers(redis_url, 0.3))), patience_s, "none answers")


async def wait_for_beat(installation: Installation, patience_s: float) -> str | None:
    """Wait until a beat has ticked since now. Returns None, or after `patience_s` the reason why none has."""
    began_at = time.monotonic()
    ledger = Ledger(installation.redis_url, timeout_s=2)
    try:
        return await _wait_until(
            lambda: any(age_s < time.monotonic() - began_at for age_s in beats(ledger)), patience_s, "it does not tick"
        )
    finally:
        ledger.close()


async def _wait_until(condition: Callable[[], bool], patience_s: float, failure: str) -> str | None:
    """Wait until what Redis knows meets the condition."""
    deadline = time.monotonic() + patience_s
    while True:
        try:
            if await asyncio.to_thread(condition):
                return None
        except (OperationalError, RedisError, OSError):
            failure = "Redis does not answer"
        if time.monotonic() > deadline:
            return failure
        await asyncio.sleep(POLL_S)


async def _wait_for(url: str, patience_s: float) -> str | None:
    deadline = time.monotonic() + patience_s
    async with httpx2.AsyncClient(timeout=5.0, trust_env=False) as client:
        while True:
            try:
                answer = await client.get(url)
            except httpx2.HTTPError as error:
                failure = network_reason(error)
            else:
                if answer.status_code == 200:
                    return None
                failure = f"{answer.status_code} {answer.text[:500]}"
            if time.monotonic() > deadline:
                return failure
            await asyncio.sleep(POLL_S)
