"""Readiness: waits with a deadline until a server that was started answers."""

import asyncio
import time

import httpx2

from cli.installation import Installation
from runtime.failures import reason

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


async def _wait_for(url: str, patience_s: float) -> str | None:
    deadline = time.monotonic() + patience_s
    async with httpx2.AsyncClient(timeout=5.0, trust_env=False) as client:
        while True:
            try:
                answer = await client.get(url)
            except httpx2.HTTPError as error:
                failure = reason(error)
            else:
                if answer.status_code == 200:
                    return None
                failure = f"{answer.status_code} {answer.text[:500]}"
            if time.monotonic() > deadline:
                return failure
            await asyncio.sleep(POLL_S)
