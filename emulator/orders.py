"""Order: which story is to be told, where, and how."""

from datetime import UTC, datetime
from typing import Any, Self

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from emulator.seeds import SEEDS
from emulator.settings import MOST_LINES, MOST_MESSAGES, EmulatorSettings, Layouts, Methods
from emulator.targets import Target


def today() -> datetime:
    """The midnight that began this day, UTC. Stories end there, so that one told again on one day is the same."""
    return datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)


class Order(BaseModel):
    """What `POST /stories` may say; where it is silent, the settings speak."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    target_url: Target
    seed: int = Field(ge=0, lt=SEEDS)
    messages: int = Field(ge=0, le=MOST_MESSAGES)
    methods: Methods
    layouts: Layouts
    duplicates: float = Field(ge=0, le=1)
    shuffle: bool
    concurrency: int = Field(ge=1, le=MOST_LINES)
    compression: float = Field(gt=0)
    rate: float | None = Field(None, gt=0)
    """New deliveries a second, at most."""
    now: AwareDatetime = Field(default_factory=today)
    """When the story ends."""

    @classmethod
    def of(cls, settings: EmulatorSettings, told: dict[str, Any]) -> Self:
        """The order as told. Raises pydantic's ValidationError, naming each wrong field."""
        silent = {
            "target_url": settings.emulator_target_url,
            "seed": settings.emulator_story_seed,
            "messages": settings.emulator_story_messages,
            "methods": settings.emulator_story_methods,
            "layouts": settings.emulator_story_layouts,
            "duplicates": settings.emulator_story_duplicates,
            "shuffle": settings.emulator_story_shuffle,
            "concurrency": settings.emulator_concurrency,
            "compression": settings.emulator_compression,
        }
        return cls.model_validate({**{name: value for name, value in silent.items() if value is not None}, **told})
