"""First scenario: run by the emulator against the registered hooks, and followed until all of it is in the database."""

import asyncio
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Protocol

import httpx2
from rich.progress import Progress
from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError
from uuid_utils import uuid7

from cli.output.progress import columns
from cli.output.terminal import console, line
from cli.up.welcome import deliveries_since

MEANINGS = {
    "401": "its signature or secret header is in doubt",
    "404": "no token that the receiver knows",
    "413": "larger than SEVEN_BODY_LIMIT",
    "422": "not understood",
}
"""What a receiver of ours says with a status."""


@dataclass(frozen=True, slots=True)
class Hindrance:
    """What went wrong, and the program whose log says more."""

    cause: str
    program: str


@dataclass(frozen=True, slots=True)
class ScenarioProgress:
    """The emulator's own report on one story; empty as long as it has not answered."""

    report: Mapping[str, Any] = field(default_factory=dict)

    @property
    def total(self) -> int | None:
        """Deliveries to be made, once the emulator knows."""
        return self.report.get("deliveries")

    @property
    def delivered(self) -> int:
        """Deliveries that were answered with a 2xx."""
        return int(self.report.get("delivered", 0))

    @property
    def ended(self) -> bool:
        """Whether nothing more will be delivered."""
        return self.report.get("state") in ("told", "stopped", "failed")

    def verdict(self) -> Hindrance | None:
        """Of a story that has ended: None when every delivery was accepted, else what became of the others."""
        if self.report["state"] != "told":
            return Hindrance("the emulator could not tell its story to the end", "emulator")
        if note := self.report["note"]:
            return Hindrance(str(note), "emulator")
        lost = (self.total or 0) - self.delivered
        if not lost:
            return None
        return Hindrance(f"{lost} of {self.total} deliveries were not accepted: {self._refusals()}", "emulator")

    def standstill(self, kept: int) -> Hindrance:
        """Of a story that does not go on, with this many deliveries in the database."""
        so_far = f"{kept} of {self.total or 'an unknown number of'} deliveries are in the database so far"
        if not self.report:
            return Hindrance(f"{so_far}; the emulator does not answer", "emulator")
        if kept < self.delivered:
            return Hindrance(f"{so_far}, and {self.delivered} were accepted", "worker")
        return Hindrance(f"{so_far}: {self._refusals() or 'the receiver does not answer'}", "receiver")

    def _refusals(self) -> str:
        refused = [
            f"hook {hook_id} was answered {status} {count} times ({MEANINGS.get(status, 'refused for good')})"
            for hook_id, refusals in self.report["refusals_by_hook"].items()
            for status, count in refusals.items()
        ]
        retries = [f"{count} attempts met {cause}" for cause, count in self.report["retries"].items()]
        return "; ".join((*refused, *retries))


POLL_S = 0.15


class Bar(Protocol):
    """Shows how many of how many."""

    def __call__(self, done: int, total: int | None) -> None:
        """Show it."""


class FirstScenario:
    """A story of the emulator at this URL, for the hooks that are registered there."""

    def __init__(self, engine: Engine, emulator_url: str) -> None:
        self._engine = engine
        self._stories_url = f"{emulator_url}/stories"
        self._first_id = str(uuid7())  # ids of deliveries sort by time: all that come from now on are above it

    async def run(self, patience_s: float) -> Hindrance | None:
        """Have it told, and wait until all of it is in the database.

        Returns None, or what lacks: at the story's end, or after `patience_s` of standstill.
        """
        async with httpx2.AsyncClient(timeout=5.0, trust_env=False) as client:
            try:
                order = await client.post(self._stories_url)
                number = order.raise_for_status().json()["story"]
            except httpx2.HTTPError as error:
                return Hindrance(f"no first story: the emulator does not answer ({type(error).__name__})", "emulator")
            with _bar() as show:
                return await self._follow(client, f"{self._stories_url}/{number}", patience_s, show)

    async def _follow(self, client: httpx2.AsyncClient, url: str, patience_s: float, show: Bar) -> Hindrance | None:
        kept, progress, deadline = 0, ScenarioProgress(), time.monotonic() + patience_s
        while time.monotonic() < deadline:
            progress = await _progress(client, url)
            before, kept = kept, await asyncio.to_thread(self._kept)
            if kept != before:
                deadline = time.monotonic() + patience_s
            show(kept, progress.total)
            if progress.ended and kept >= progress.delivered:
                return progress.verdict()
            await asyncio.sleep(POLL_S)
        return progress.standstill(kept)

    def _kept(self) -> int:
        try:
            with self._engine.connect().execution_options(reads=True) as connection:
                return deliveries_since(connection, self._first_id)
        except SQLAlchemyError:
            return 0


async def _progress(client: httpx2.AsyncClient, url: str) -> ScenarioProgress:
    try:
        answer = await client.get(url)
        return ScenarioProgress(answer.json() if answer.status_code == 200 else {})
    except (httpx2.HTTPError, ValueError):
        return ScenarioProgress()


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
