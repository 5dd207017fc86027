"""Recipients: where the deliveries of a scenario are sent, one target or the registered hooks."""

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Protocol

from emulator.hooks import RoutingKey
from emulator.registry import Registry
from emulator.wire import PlannedDelivery, Request, write_request


class Recipients(Protocol):
    """The requests of a scenario, each written when it is drawn; None for a delivery without a recipient."""

    @property
    def deliveries(self) -> int:
        """The number of deliveries, drawn and expected."""

    @property
    def dropped(self) -> int:
        """The number of deliveries that had a recipient and were dropped so far."""

    @property
    def by_hook(self) -> dict[str, int]:
        """The number of requests drawn, by hook id."""

    @property
    def note(self) -> str | None:
        """The reason why there is nothing to deliver."""

    def __iter__(self) -> Iterator[Request | None]: ...


class TargetRecipient:
    """Sends every delivery to one URL, regardless of registered hooks."""

    def __init__(self, planned: Sequence[PlannedDelivery], target_url: str) -> None:
        self._planned = planned
        self._target_url = target_url
        self.deliveries = sum(not delivery.dropped for delivery in planned)
        self.dropped = 0
        self.by_hook: dict[str, int] = {}
        self.note = None

    def __iter__(self) -> Iterator[Request | None]:
        for delivery in self._planned:
            self.dropped += delivery.dropped
            yield None if delivery.dropped else write_request(delivery, self._target_url)


class HookRecipients:
    """Sends every delivery to each hook that matches it at the time of sending, in the hook's own method.

    Hooks may come and go while a scenario runs. A delivery once begun is retried to its end, even if its hook is gone.
    """

    def __init__(self, planned: Sequence[PlannedDelivery], registry: Registry) -> None:
        self._planned = planned
        self._registry = registry
        self._left = Counter(RoutingKey.of(delivery.event) for delivery in planned if not delivery.dropped)
        self._drawn: Counter[int] = Counter()
        self.dropped = 0

    @property
    def deliveries(self) -> int:
        """The deliveries begun, and those left if the hooks stay as they are."""
        left = sum(count * len(self._registry.matching(key)) for key, count in self._left.items())
        return self._drawn.total() + left

    @property
    def by_hook(self) -> dict[str, int]:
        """The number of requests drawn, by hook id; removed hooks included."""
        return {str(hook_id): count for hook_id, count in sorted(self._drawn.items())}

    @property
    def note(self) -> str | None:
        """The reason why there is nothing to deliver."""
        if self.deliveries or not self._left:
            return None
        if not len(self._registry):
            return "nothing to deliver: no hook is registered, and the scenario has no target_url"
        return "nothing to deliver: no enabled hook matches any event of this scenario"

    def __iter__(self) -> Iterator[Request | None]:
        for delivery in self._planned:
            key = RoutingKey.of(delivery.event)
            hooks = self._registry.matching(key)
            if delivery.dropped:
                self.dropped += len(hooks)
                yield None
                continue
            self._left[key] -= 1
            self._drawn.update(hook.id for hook in hooks)
            if not hooks:
                yield None
            for hook in hooks:
                yield hook.request(delivery)
