"""The registered hooks, in memory and optionally in a file."""

import asyncio
import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError

from emulator.hooks import Hook, Registration, RoutingKey
from runtime import atomic_file


class UnreadableStateError(Exception):
    """The state file is not one that the emulator wrote."""


class State(BaseModel):
    """The state that survives a restart."""

    model_config = ConfigDict(frozen=True, hide_input_in_errors=True)

    last_id: int = 0
    """The last assigned id; ids are never reused."""
    hooks: tuple[Hook, ...] = ()


class Registry:
    """The registered hooks, ordered by id. With a file, every change is on disk before the request is answered."""

    def __init__(self, path: Path | None = None) -> None:
        """Raises UnreadableStateError for a file that a registry did not write."""
        self.registered = asyncio.Event()
        """Set by every registration; cleared by the waiting task."""
        self._path = path
        self._state = _read(path) if path is not None and path.exists() else State()
        if self._state.hooks:
            self.registered.set()

    def __iter__(self) -> Iterator[Hook]:
        return iter(self._state.hooks)

    def __len__(self) -> int:
        return len(self._state.hooks)

    def find(self, hook_id: int) -> Hook | None:
        """The hook with this id, if registered."""
        return next((hook for hook in self if hook.id == hook_id), None)

    def matching(self, key: RoutingKey) -> tuple[Hook, ...]:
        """The hooks that currently match this key."""
        return tuple([hook for hook in self._state.hooks if hook.matches(key)])

    def register(self, registration: Registration) -> Hook:
        """Add a hook, even if an equal one is registered."""
        fields = registration.model_dump(include=set(Registration.model_fields))
        hook = Hook(id=self._state.last_id + 1, created_at=datetime.now(UTC), **fields)
        self._save(State(last_id=hook.id, hooks=(*self, hook)))
        self.registered.set()
        return hook

    def change(self, hook: Hook, registration: Registration) -> Hook:
        """Replace a hook's registration; its id stays."""
        changed = hook.model_copy(update=registration.model_dump(include=set(Registration.model_fields)))
        hooks = tuple(changed if current == hook else current for current in self)
        self._save(State(last_id=self._state.last_id, hooks=hooks))
        return changed

    def remove(self, *hooks: Hook) -> None:
        """Remove these hooks."""
        remaining = tuple(hook for hook in self if hook not in hooks)
        self._save(State(last_id=self._state.last_id, hooks=remaining))

    def _save(self, state: State) -> None:
        if self._path is not None:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            # its owner alone may read it: the path of a target URL is a secret
            atomic_file.write(self._path, json.dumps(state.model_dump(mode="json"), indent=1))
        self._state = state


def _read(path: Path) -> State:
    try:
        return State.model_validate_json(path.read_bytes())
    except (OSError, ValidationError) as error:
        raise UnreadableStateError(f"cannot be read ({type(error).__name__})") from None
