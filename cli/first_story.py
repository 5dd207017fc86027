"""First story: what the emulator tells at its start, followed until the last of it is in the database."""

import asyncio
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Protocol

import httpx2
from rich.progress import Progress
from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError
from uuid_utils import uuid7

from cli.progress import columns
from cli.screen import console, line
from cli.tally import deliveries_since

POLL_S = 0.15


class Bar(Protocol):
    """Shows how many of how many."""

    def __call__(self, done: int, total: int | None) -> None:
        """Show it."""


class FirstStory:
    """The story that the emulator on this port tells; made before the emulator is started."""

    def __init__(self, engine: Engine, emulator_port: int) -> None:
        self._engine = engine
        self._url = f"http://127.0.0.1:{emulator_port}/stories/1"
        self._first_id = str(uuid7())  # ids of deliveries sort by time: all that come from now on are above it

    async def follow(self, patience_s: float) -> str | None:
        """Wait until all of it is in the database. Returns None, or after `patience_s` of standstill what lacks."""
        done, total, deadline = 0, None, time.monotonic() + patience_s
        async with httpx2.AsyncClient(timeout=5.0, trust_env=False) as client:
            with _bar() as show:
                while time.monotonic() < deadline:
                    told = await self._told(client)
                    kept = await asyncio.to_thread(self._kept)
                    if kept != done:
                        done, deadline = kept, time.monotonic() + patience_s
                    total = told.get("deliveries")
                    show(done, total)
                    if told.get("state") == "told" and done >= told["delivered"]:
                        lost = total - told["delivered"]
                        return f"{lost} of {total} deliveries were not accepted" if lost else None
                    await asyncio.sleep(POLL_S)
        return f"{done} of {total or 'an unknown number of'} deliveries are in the database so far"

    async def _told(self, client: httpx2.AsyncClient) -> dict[str, Any]:
        try:
            answer = await client.get(self._url)
            return dict(answer.json()) if answer.status_code == 200 else {}
        except (httpx2.HTTPError, ValueError):
            return {}

    def _kept(self) -> int:
        try:
            with self._engine.connect().execution_options(reads=True) as connection:
                return deliveries_since(connection, self._first_id)
        except SQLAlchemyError:
            return 0


@contextmanager
def _bar() -> Iterator[Bar]:
    """A progress bar; without a terminal a line at the end."""
    if not console.is_terminal:
        last: tuple[int, int | None] = (0, None)

        def remember(done: int, total: int | None) -> None:
            nonlocal last
            last = (done, total)

        yield remember
        line(f"first story: {last[0]} of {last[1] or '?'} deliveries in the database")
        return
    with Progress(*columns(elapsed=True), console=console) as progress:
        task = progress.add_task("first story", total=None)
        yield lambda done, total: progress.update(task, completed=min(done, total or done), total=total)
