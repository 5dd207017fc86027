"""The request to run a scenario: its events, recipients and deliveries."""

from datetime import UTC, datetime
from typing import Annotated, Any, Self

from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, Field, ValidationInfo, field_validator

from emulator.seeds import SEEDS, new_seed
from emulator.settings import MOST_LINES, MOST_MESSAGES, EmulatorSettings, Layouts, Methods
from emulator.wire import Target
from seven.events import EVENT_TYPES


def _event_type(name: str) -> str:
    if name not in EVENT_TYPES:
        raise ValueError(f"no event type; there are {', '.join(EVENT_TYPES)}")
    return name


EventTypes = tuple[Annotated[str, AfterValidator(_event_type)], ...]


def today() -> datetime:
    """The midnight that began this day, UTC. Scenarios end there, so that one seed gives the same all day."""
    return datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)


class ScenarioRequest(BaseModel):
    """The fields of `POST /scenarios`; the settings are their defaults."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    target_url: Target | None = None
    """Without a target the scenario is delivered to the registered hooks."""
    seed: int = Field(ge=0, lt=SEEDS)
    messages: int = Field(ge=0, le=MOST_MESSAGES)
    methods: Methods | None = None
    """Request methods for a target; hooks have their own."""
    layouts: Layouts
    duplicates: float = Field(ge=0, le=1)
    shuffle: bool
    irregular: bool = False
    """Whether a status comes late, a click is never reported, and a report is not understood, once each."""
    drop: float = Field(0, ge=0, le=1)
    """The share of events whose webhooks are never sent, although hooks match: the seed decides which."""
    drop_types: EventTypes = ()
    """The event types that are dropped; all without any."""
    delay: float = Field(0, ge=0, le=1)
    """The share of events whose webhooks are sent late: `delay_s` after their turn."""
    delay_types: EventTypes = ()
    """The event types that are delayed; all without any."""
    delay_s: float = Field(5, ge=0, le=3600)
    """Seconds, not compressed."""
    concurrency: int = Field(ge=1, le=MOST_LINES)
    compression: float = Field(gt=0)
    resign_retries: bool
    rate: float | None = Field(None, gt=0)
    """Maximum number of new deliveries per second."""
    now: AwareDatetime = Field(default_factory=today)
    """The end of the scenario's three days."""

    @field_validator("methods")
    @classmethod
    def _need_a_target(cls, methods: Methods | None, info: ValidationInfo) -> Methods | None:
        if methods is not None and info.data.get("target_url", methods) is None:
            raise ValueError("each hook has its own request method; methods go with a target_url")
        return methods

    @classmethod
    def of(cls, settings: EmulatorSettings, fields: dict[str, Any]) -> Self:
        """The request with these fields. Raises pydantic's ValidationError, naming each wrong field."""
        to_hooks = fields.get("target_url", settings.emulator_target_url) is None
        # Forms are nested as most of the vendor's clients read them; no gateway mixes layouts.
        nested = to_hooks and "emulator_story_layouts" not in settings.model_fields_set
        defaults = {
            "target_url": settings.emulator_target_url,
            "seed": new_seed() if settings.emulator_story_seed is None else settings.emulator_story_seed,
            "messages": settings.emulator_story_messages,
            "methods": None if to_hooks else settings.emulator_story_methods,
            "layouts": ("nested",) if nested else settings.emulator_story_layouts,
            "duplicates": settings.emulator_story_duplicates,
            "shuffle": settings.emulator_story_shuffle,
            "concurrency": settings.emulator_concurrency,
            "compression": settings.emulator_compression,
            "resign_retries": settings.emulator_resign_retries,
        }
        return cls.model_validate({**defaults, **fields})
