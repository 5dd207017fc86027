"""Waiting: until a server that was started answers, for as long as one may have patience."""

import asyncio
import time

import httpx2

from cli.installation import Installation

POLL_S = 0.1


async def wait_for_receiver(home: Installation, patience_s: float) -> str | None:
    """Wait until the receiver can accept deliveries. Returns None, or after `patience_s` why it could not."""
    return await _wait_for(f"{home.receiver_url}/readyz", patience_s)


async def wait_for_flower(home: Installation, patience_s: float) -> str | None:
    """Wait until Flower shows pages. Returns None, or after `patience_s` why it did not."""
    return await _wait_for(f"http://127.0.0.1:{home.settings.seven_flower_port}/healthcheck", patience_s)


async def wait_for_emulator(home: Installation, patience_s: float) -> str | None:
    """Wait until hooks can be registered. Returns None, or after `patience_s` why they could not."""
    return await _wait_for(f"{home.emulator_url}/livez", patience_s)


async def _wait_for(url: str, patience_s: float) -> str | None:
    deadline = time.monotonic() + patience_s
    async with httpx2.AsyncClient(timeout=5.0, trust_env=False) as client:
        while True:
            try:
                answer = await client.get(url)
            except httpx2.HTTPError as error:
                cause = type(error).__name__
            else:
                if answer.status_code == 200:
                    return None
                cause = f"{answer.status_code} {answer.text[:500]}"
            if time.monotonic() > deadline:
                return cause
            await asyncio.sleep(POLL_S)
