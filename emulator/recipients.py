"""Addressing: to whom each telling of a story is delivered."""

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Protocol

from emulator.hooks import Matter
from emulator.registry import Registry
from emulator.wire import PlannedDelivery, Request, write


class Recipients(Protocol):
    """The requests of a story, each written when it is asked for; None for a telling that nobody wants to hear."""

    @property
    def deliveries(self) -> int:
        """How many deliveries there are to be made, as things are now."""

    @property
    def by_hook(self) -> dict[str, int]:
        """How many have been asked for, by the hook's id."""

    @property
    def note(self) -> str | None:
        """Why there is nothing to deliver."""

    def __iter__(self) -> Iterator[Request | None]: ...


class ToTarget:
    """Every telling to one URL, whatever is registered."""

    def __init__(self, tellings: Sequence[PlannedDelivery], target_url: str) -> None:
        self._tellings = tellings
        self._target_url = target_url
        self.deliveries = len(tellings)
        self.by_hook: dict[str, int] = {}
        self.note = None

    def __iter__(self) -> Iterator[Request | None]:
        return (write(telling, self._target_url) for telling in self._tellings)


class ToHooks:
    """Every telling to each hook that wants it at the moment at which it is told, in the hook's own method.

    Hooks come and go while a story is told. A delivery once begun is tried to its end, though its hook be gone.
    """

    def __init__(self, tellings: Sequence[PlannedDelivery], registry: Registry) -> None:
        self._tellings = tellings
        self._registry = registry
        self._left = Counter(Matter.of(telling.occurrence) for telling in tellings)
        self._asked_for: Counter[int] = Counter()

    @property
    def deliveries(self) -> int:
        """Those begun, and the rest for as long as the hooks stay as they are."""
        rest = sum(count * len(self._registry.matching(matter)) for matter, count in self._left.items())
        return self._asked_for.total() + rest

    @property
    def by_hook(self) -> dict[str, int]:
        """Also of hooks that are gone."""
        return {str(hook_id): count for hook_id, count in sorted(self._asked_for.items())}

    @property
    def note(self) -> str | None:
        """While there is nothing to deliver."""
        if self.deliveries or not self._tellings:
            return None
        if not len(self._registry):
            return "nothing to deliver: no hook is registered, and the story has no target_url"
        return "nothing to deliver: no registered hook is enabled and wants any of this story"

    def __iter__(self) -> Iterator[Request | None]:
        for telling in self._tellings:
            matter = Matter.of(telling.occurrence)
            hooks = self._registry.matching(matter)
            self._left[matter] -= 1
            self._asked_for.update(hook.id for hook in hooks)
            if not hooks:
                yield None
            for hook in hooks:
                yield hook.request(telling)
