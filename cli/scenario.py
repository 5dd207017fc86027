"""Scenario: has the emulator play one for the registered hooks, until all of it is in the database."""

import asyncio
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import httpx2
from sqlalchemy import Engine, func, select
from sqlalchemy.exc import SQLAlchemyError
from uuid_utils import uuid7

from operations.delivery_outcomes import count_stored
from runtime.network_errors import network_reason
from store.schema import deliveries

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
    stalled: bool = False
    """Whether it was given up before its end."""


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
            return ScenarioFailure(f"{so_far}; the emulator does not answer", "emulator", stalled=True)
        if stored < self.delivered:
            return ScenarioFailure(f"{so_far}, and {self.delivered} were accepted", "worker", stalled=True)
        reason = self._refusals() or "the receiver does not answer"
        return ScenarioFailure(f"{so_far}: {reason}", "receiver", stalled=True)

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


class NoEmulator(Exception):  # noqa: N818 - a fact about this machine
    """No emulator plays the scenario; the message says why."""


@dataclass(frozen=True, slots=True)
class PlayedScenario:
    """A scenario that has ended, or makes no progress."""

    progress: ScenarioProgress
    ids: Sequence[str]
    """The receiver's ids of its deliveries; none before its end."""
    failure: ScenarioFailure | None


class ScenarioPlayer:
    """Has the emulator at this URL play scenarios for the hooks registered there, and follows them to their rows."""

    def __init__(self, engine: Engine, emulator_url: str) -> None:
        self._engine = engine
        self._url = f"{emulator_url}/scenarios"

    async def play(self, request: Mapping[str, Any], patience_s: float, show: Bar) -> PlayedScenario:
        """Play one, and wait until all of it is in the database, or `patience_s` have passed without progress.

        `request` has fields of `POST /scenarios`. Raises NoEmulator if it does not begin.
        """
        first_id = str(uuid7())  # ids of deliveries sort by time: those of this scenario sort after it
        async with httpx2.AsyncClient(timeout=5.0, trust_env=False) as client:
            url = f"{self._url}/{await self._start(client, request)}"
            ids: list[str] | None = None
            stored, progress, deadline = 0, ScenarioProgress(), time.monotonic() + patience_s
            while time.monotonic() < deadline:
                progress = await _progress(client, url)
                if progress.ended and ids is None:
                    ids = await _ids(client, url)
                before, stored = stored, await asyncio.to_thread(self._count, ids, first_id)
                if stored != before:
                    deadline = time.monotonic() + patience_s
                show(stored, progress.total)
                if ids is not None and stored >= len(ids):
                    return PlayedScenario(progress, ids, progress.failure())
                await asyncio.sleep(POLL_S)
            return PlayedScenario(progress, ids or (), progress.stall(stored))

    async def _start(self, client: httpx2.AsyncClient, request: Mapping[str, Any]) -> int:
        """Start it. Returns its number."""
        try:
            answer = await client.post(self._url, json=dict(request))
            content = answer.json()
        except httpx2.HTTPError as error:
            raise NoEmulator(f"it does not answer ({network_reason(error)})") from None
        except ValueError:
            raise NoEmulator("what answers there is no emulator") from None
        if answer.status_code == 422:
            raise NoEmulator(f"it refuses the scenario: {content.get('error')}")
        try:
            return int(content["scenario"])
        except (KeyError, TypeError, ValueError):
            raise NoEmulator("what answers there is no emulator") from None

    def _count(self, ids: Sequence[str] | None, first_id: str) -> int:
        """Deliveries of the scenario in the database: exact once their ids are known, else all that came since."""
        try:
            with self._engine.connect().execution_options(reads=True) as connection:
                if ids is not None:
                    return count_stored(connection, ids)
                since = select(func.count()).where(deliveries.c.id >= first_id)
                return connection.execute(since).scalar_one()
        except SQLAlchemyError:
            return 0


async def _progress(client: httpx2.AsyncClient, url: str) -> ScenarioProgress:
    try:
        answer = await client.get(url)
        return ScenarioProgress(answer.json() if answer.status_code == 200 else {})
    except (httpx2.HTTPError, ValueError):
        return ScenarioProgress()


async def _ids(client: httpx2.AsyncClient, url: str) -> list[str] | None:
    """None where the emulator does not answer."""
    try:
        answer = await client.get(f"{url}/ids")
        return [*answer.json()["ids"]]
    except (httpx2.HTTPError, ValueError, KeyError):
        return None
