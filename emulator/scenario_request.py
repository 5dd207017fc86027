"""Order: which story is to be told, where, and how."""

from datetime import UTC, datetime
from typing import Any, Self

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, ValidationInfo, field_validator

from emulator.seeds import SEEDS
from emulator.settings import MOST_LINES, MOST_MESSAGES, EmulatorSettings, Layouts, Methods
from emulator.wire import Target


def today() -> datetime:
    """The midnight that began this day, UTC. Stories end there, so that one told again on one day is the same."""
    return datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)


class ScenarioRequest(BaseModel):
    """What `POST /stories` may say; where it is silent, the settings speak."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    target_url: Target | None = None
    """Without one the story is told to the registered hooks."""
    seed: int = Field(ge=0, lt=SEEDS)
    messages: int = Field(ge=0, le=MOST_MESSAGES)
    methods: Methods | None = None
    """Those of the deliveries to a target; hooks have their own."""
    layouts: Layouts
    duplicates: float = Field(ge=0, le=1)
    shuffle: bool
    concurrency: int = Field(ge=1, le=MOST_LINES)
    compression: float = Field(gt=0)
    resign_retries: bool
    rate: float | None = Field(None, gt=0)
    """New deliveries a second, at most."""
    now: AwareDatetime = Field(default_factory=today)
    """When the story ends."""

    @field_validator("methods")
    @classmethod
    def _for_a_target(cls, told: Methods | None, info: ValidationInfo) -> Methods | None:
        if told is not None and info.data.get("target_url", told) is None:
            raise ValueError("each hook has its own request method; methods go with a target_url")
        return told

    @classmethod
    def of(cls, settings: EmulatorSettings, told: dict[str, Any]) -> Self:
        """The order as told. Raises pydantic's ValidationError, naming each wrong field."""
        to_hooks = told.get("target_url", settings.emulator_target_url) is None
        # Forms are nested as most of the vendor's clients read them; several layouts at once no gateway has.
        nested = to_hooks and "emulator_story_layouts" not in settings.model_fields_set
        silent = {
            "target_url": settings.emulator_target_url,
            "seed": settings.emulator_story_seed,
            "messages": settings.emulator_story_messages,
            "methods": None if to_hooks else settings.emulator_story_methods,
            "layouts": ("nested",) if nested else settings.emulator_story_layouts,
            "duplicates": settings.emulator_story_duplicates,
            "shuffle": settings.emulator_story_shuffle,
            "concurrency": settings.emulator_concurrency,
            "compression": settings.emulator_compression,
            "resign_retries": settings.emulator_resign_retries,
        }
        return cls.model_validate({**silent, **told})
