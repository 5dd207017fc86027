"""First scenario: the one that `up` has the emulator play, once for each data directory.

A file keeps when it ends and whether it was played. One that was cut short is played again exactly as it was, so what
had come of it merges.
"""

import json
from dataclasses import asdict, dataclass
from typing import Any

from sqlalchemy import Engine, select

from cli.installation import Installation
from emulator.scenario_request import today
from emulator.settings import EmulatorSettings
from runtime import atomic_file
from store.schema import deliveries

SEED = 1
"""Unless EMULATOR_STORY_SEED says otherwise: documents name its messages."""

IN_ORDER = 400
"""Up to this many messages it is sent one delivery at a time, so that only what is to be late is."""


@dataclass(frozen=True, slots=True)
class Memory:
    """What the file of an installation says of its first scenario."""

    seed: int
    now: str
    """The end of its three days, in ISO 8601."""
    played: bool = False


class FirstScenario:
    """The first scenario of an installation; `engine` is its database."""

    def __init__(self, installation: Installation, engine: Engine) -> None:
        self._file = installation.first_scenario_file
        self._engine = engine
        settings = installation.load(EmulatorSettings)
        seed, self._messages = settings.emulator_story_seed, settings.emulator_story_messages
        self._memory = self._read() or Memory(SEED if seed is None else seed, today().isoformat())

    def is_due(self) -> bool:
        """Whether to play it: not if it was, nor beside deliveries that are no part of it.

        Raises SQLAlchemyError where the database does not answer.
        """
        if self._file.exists():
            return not self._memory.played
        with self._engine.connect().execution_options(reads=True) as connection:
            return connection.execute(select(deliveries.c.id).limit(1)).first() is None

    def begin(self) -> dict[str, Any]:
        """Note that it begins. Returns the fields of the request for it. Raises OSError."""
        self._write(self._memory)
        order = {"concurrency": 1} if self._messages <= IN_ORDER else {}
        return {"seed": self._memory.seed, "now": self._memory.now, "irregular": True, **order}

    def end(self) -> None:
        """Note that all of it is in the database. Raises OSError."""
        self._write(Memory(self._memory.seed, self._memory.now, played=True))

    def _read(self) -> Memory | None:
        """None without a file, and for one that nobody wrote like this."""
        try:
            return Memory(**json.loads(self._file.read_text("utf-8")))
        except (OSError, ValueError, TypeError):
            return None

    def _write(self, memory: Memory) -> None:
        atomic_file.write(self._file, f"{json.dumps(asdict(memory))}\n")
