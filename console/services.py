"""Services: what pages are given to answer with."""

import asyncio
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

from jinja2 import Environment
from sqlalchemy import Connection

from console.database import Away, Reader
from console.handles import Handles
from console.health import HealthWatch
from console.hour_cache import Budget, HourCache, refresh_all
from console.metrics import ConsoleMetrics
from console.settings import ConsoleSettings
from console.viewer import Viewer
from operations.hourly_counts import CountHour
from operations.reaction_states import anyone_subscribes

REACTIONS = "/reactions"
"""The page that is of use only where somebody subscribes."""
MOST_STEPS = 500
STEP_PAUSE_S = 0.1


class Services:
    """The database, the checks, the templates, the counters and the settings of one console."""

    def __init__(
        self,
        settings: ConsoleSettings,
        reader: Reader,
        templates: Environment,
        metrics: ConsoleMetrics,
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.settings, self.reader, self.metrics = settings, reader, metrics
        self.health, self.handles = HealthWatch(settings), Handles()
        self.subscribes = False
        """Whether anyone is notified of changes, as it was last looked at."""
        self._hours: dict[CountHour, HourCache] = {}
        self._templates, self._clock = templates, clock
        self._filling: asyncio.Task[None] | None = None

    def render(self, template: str, path: str, viewer: Viewer, context: Mapping[str, Any]) -> str:
        """A page as HTML; `path` is that of the page, to mark it in the navigation."""
        return self._templates.get_template(template).render(
            context, path=path, viewer=viewer, hidden=self._hidden(path)
        )

    def _hidden(self, path: str) -> tuple[str, ...]:
        """The pages that stand in no navigation now."""
        return () if self.subscribes or path == REACTIONS else (REACTIONS,)

    async def look_for_subscribers(self) -> None:
        """Look whether anyone subscribes; while the database is away it stays as it was."""
        with suppress(Away):
            self.subscribes = await self.reader.read(anyone_subscribes)

    def hours(self, count_hour: CountHour) -> HourCache:
        """The last hours of one kind of record."""
        return self._hours.setdefault(count_hour, HourCache(count_hour, self._clock))

    def fill_hours(self, kinds: Sequence[CountHour], hours: int) -> None:
        """Count, after the answer and in small steps, what a page could not wait for: missing hours and stale ones."""
        if self._filling is None or self._filling.done():
            self._filling = asyncio.create_task(self._fill(kinds, hours))

    async def _fill(self, kinds: Sequence[CountHour], hours: int) -> None:
        """Until none is as it was at the look; what becomes due meanwhile is for the next one."""
        caches, looked_at = [self.hours(kind) for kind in kinds], self._clock()

        def step(connection: Connection) -> None:
            refresh_all(caches, connection, datetime.now(UTC), hours, Budget(clock=self._clock))

        with suppress(Away):  # the next page begins again
            for _ in range(MOST_STEPS):
                if all(cache.is_fresh(datetime.now(UTC), hours, looked_at) for cache in caches):
                    return
                await self.reader.read(step)
                await asyncio.sleep(STEP_PAUSE_S)

    async def close(self) -> None:
        """Close what is open."""
        if self._filling:
            self._filling.cancel()
        await asyncio.to_thread(self.reader.close)
