"""Registry: the hooks that are registered, in memory and where a file is named also there."""

import asyncio
import json
import os
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError

from emulator.hooks import Hook, Matter, Registration


class UnreadableStateError(Exception):
    """The state file holds something else than the emulator writes."""


class State(BaseModel):
    """All that outlives a restart."""

    model_config = ConfigDict(frozen=True, hide_input_in_errors=True)

    last_id: int = 0
    """No id is given out twice."""
    hooks: tuple[Hook, ...] = ()


class Registry:
    """The registered hooks, in the order of their ids. With a file every change is on disk before it is answered."""

    def __init__(self, path: Path | None = None) -> None:
        """Raises UnreadableStateError for a file that is not the registry's own."""
        self.news = asyncio.Event()
        """Set by each hook that is registered; cleared by whoever waits for it."""
        self._path = path
        self._state = _read(path) if path is not None and path.exists() else State()
        if self._state.hooks:
            self.news.set()

    def __iter__(self) -> Iterator[Hook]:
        return iter(self._state.hooks)

    def __len__(self) -> int:
        return len(self._state.hooks)

    def find(self, hook_id: int) -> Hook | None:
        """The hook with this id."""
        return next((hook for hook in self if hook.id == hook_id), None)

    def matching(self, matter: Matter) -> tuple[Hook, ...]:
        """The hooks that are to be told, at this moment."""
        return tuple([hook for hook in self._state.hooks if hook.wants(matter)])

    def register(self, registration: Registration) -> Hook:
        """A new hook, whatever hooks there are like it."""
        told = registration.model_dump(include=set(Registration.model_fields))
        hook = Hook(id=self._state.last_id + 1, created_at=datetime.now(UTC), **told)
        self._become(State(last_id=hook.id, hooks=(*self, hook)))
        self.news.set()
        return hook

    def change(self, hook: Hook, registration: Registration) -> Hook:
        """The hook, keeping its id, registered with something else."""
        changed = hook.model_copy(update=registration.model_dump(include=set(Registration.model_fields)))
        self._become(State(last_id=self._state.last_id, hooks=tuple(changed if one == hook else one for one in self)))
        return changed

    def remove(self, *hooks: Hook) -> None:
        """These hooks are no more."""
        self._become(State(last_id=self._state.last_id, hooks=tuple(one for one in self if one not in hooks)))

    def _become(self, state: State) -> None:
        if self._path is not None:
            _write(self._path, state)
        self._state = state


def _read(path: Path) -> State:
    try:
        return State.model_validate_json(path.read_bytes())
    except (OSError, ValidationError) as error:
        raise UnreadableStateError(f"cannot be read ({type(error).__name__})") from None


def _write(path: Path, state: State) -> None:
    """Whole or not at all; for our eyes only, since the path of a target URL is a secret."""
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    draft.touch(mode=0o600)
    draft.write_text(json.dumps(state.model_dump(mode="json"), indent=1))
    draft.replace(path)
