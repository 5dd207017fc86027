"""Losses: webhooks that the gateway never sends, or sends late."""

from collections.abc import Sequence
from dataclasses import replace

from emulator.scenario_request import ScenarioRequest
from emulator.seeds import Seed
from emulator.wire import PlannedDelivery


def with_losses(planned: Sequence[PlannedDelivery], request: ScenarioRequest) -> list[PlannedDelivery]:
    """The deliveries, of which the request's shares are dropped and delayed.

    An event is lost with its repeats. The shares are exact, and the seed decides which events are meant.
    """
    dropped = _choose(planned, request.seed, "dropped", request.drop, request.drop_types)
    delayed = _choose(planned, request.seed, "delayed", request.delay, request.delay_types)
    return [
        replace(
            delivery,
            dropped=id(delivery.event) in dropped,
            delay_s=request.delay_s if id(delivery.event) in delayed else 0,
        )
        for delivery in planned
    ]


def _choose(
    planned: Sequence[PlannedDelivery], seed: int, purpose: str, share: float, event_types: Sequence[str]
) -> set[int]:
    """Choose this share of the events of these types, by identity."""
    events = [delivery.event for delivery in planned]
    ids = [*dict.fromkeys(id(event) for event in events if not event_types or event.event_type in event_types)]
    return {*Seed(seed).rng(purpose).sample(ids, round(len(ids) * share))}
