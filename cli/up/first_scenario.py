"""First scenario: has the emulator run one against the registered hooks, until all of it is in the database."""

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
from runtime import failures

MEANINGS = {
    "401": "its signature or secret header is in doubt",
    "404": "no token that the receiver knows",
    "413": "larger than SEVEN_BODY_LIMIT",
    "422": "not understood",
}
"""What the status of a receiver's answer means."""


@dataclass(frozen=True, slots=True)
class ScenarioFailure:
    """Why the scenario failed, and the program whose log has details."""

    reason: str
    program: str


@dataclass(frozen=True, slots=True)
class ScenarioProgress:
    """The emulator's report on one scenario; empty until it has answered."""

    report: Mapping[str, Any] = field(default_factory=dict)

    @property
    def total(self) -> int | None:
        """Deliveries of the scenario; None until the emulator has reported it."""
        return self.report.get("deliveries")

    @property
    def delivered(self) -> int:
        """Deliveries answered with a 2xx."""
        return int(self.report.get("delivered", 0))

    @property
    def ended(self) -> bool:
        """Whether the emulator will deliver nothing more."""
        return self.report.get("state") in ("finished", "stopped", "failed")

    def failure(self) -> ScenarioFailure | None:
        """The failure of a scenario that has ended; None if every delivery was accepted."""
        if self.report["state"] != "finished":
            return ScenarioFailure("the emulator could not finish its scenario", "emulator")
        if note := self.report["note"]:
            return ScenarioFailure(str(note), "emulator")
        lost = (self.total or 0) - self.delivered
        if not lost:
            return None
        return ScenarioFailure(f"{lost} of {self.total} deliveries were not accepted: {self._refusals()}", "emulator")

    def stall(self, stored: int) -> ScenarioFailure:
        """The failure of a scenario that makes no progress, with this many deliveries in the database."""
        so_far = f"{stored} of {self.total or 'an unknown number of'} deliveries are in the database so far"
        if not self.report:
            return ScenarioFailure(f"{so_far}; the emulator does not answer", "emulator")
        if stored < self.delivered:
            return ScenarioFailure(f"{so_far}, and {self.delivered} were accepted", "worker")
        return ScenarioFailure(f"{so_far}: {self._refusals() or 'the receiver does not answer'}", "receiver")

    def _refusals(self) -> str:
        refused = [
            f"hook {hook_id} was answered {status} {count} times ({MEANINGS.get(status, 'refused for good')})"
            for hook_id, refusals in self.report["refusals_by_hook"].items()
            for status, count in refusals.items()
        ]
        retries = [f"{count} attempts met {reason}" for reason, count in self.report["retries"].items()]
        return "; ".join((*refused, *retries))


POLL_S = 0.15


class Bar(Protocol):
    """Shows the number of deliveries done, and the total."""

    def __call__(self, done: int, total: int | None) -> None:
        """Show them."""


class FirstScenario:
    """A scenario of the emulator at this URL, for the hooks registered there."""

    def __init__(self, engine: Engine, emulator_url: str) -> None:
        self._engine = engine
        self._stories_url = f"{emulator_url}/scenarios"
        self._first_id = str(uuid7())  # ids of deliveries sort by time: those of this scenario sort after it

    async def run(self, patience_s: float) -> ScenarioFailure | None:
        """Run it, and wait until all of it is in the database.

        Returns None, or the failure: at the scenario's end, or after `patience_s` without progress.
        """
        async with httpx2.AsyncClient(timeout=5.0, trust_env=False) as client:
            try:
                answer = await client.post(self._stories_url)
                number = answer.raise_for_status().json()["scenario"]
            except httpx2.HTTPError as error:
                reason = f"no first scenario: the emulator does not answer ({failures.reason(error)})"
                return ScenarioFailure(reason, "emulator")
            with _bar() as show:
                return await self._follow(client, f"{self._stories_url}/{number}", patience_s, show)

    async def _follow(
        self, client: httpx2.AsyncClient, url: str, patience_s: float, show: Bar
    ) -> ScenarioFailure | None:
        stored, progress, deadline = 0, ScenarioProgress(), time.monotonic() + patience_s
        while time.monotonic() < deadline:
            progress = await _progress(client, url)
            before, stored = stored, await asyncio.to_thread(self._count_stored)
            if stored != before:
                deadline = time.monotonic() + patience_s
            show(stored, progress.total)
            if progress.ended and stored >= progress.delivered:
                return progress.failure()
            await asyncio.sleep(POLL_S)
        return progress.stall(stored)

    def _count_stored(self) -> int:
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
    """A progress bar, or without a terminal a line at the end."""
    if not console.is_terminal:
        last: tuple[int, int | None] = (0, None)

        def remember(done: int, total: int | None) -> None:
            nonlocal last
            last = (done, total)

        yield remember
        line(f"first scenario: {last[0]} of {last[1] or '?'} deliveries in the database")
        return
    with Progress(*columns(elapsed=True), console=console) as progress:
        task = progress.add_task("first scenario", total=None)
        yield lambda done, total: progress.update(task, completed=min(done, total or done), total=total)
