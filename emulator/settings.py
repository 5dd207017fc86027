"""Settings of the emulator."""

from pathlib import Path
from typing import Annotated, Any

from pydantic import AfterValidator, Field, SecretStr, field_validator
from pydantic_settings import NoDecode

from emulator.seeds import SEEDS
from emulator.wire import LAYOUTS, METHODS, Layout, Method, Target
from runtime.settings.machine import EmulatorKeySettings
from runtime.settings.types import split_list

MOST_MESSAGES = 100_000
MOST_LINES = 512


def _not_empty(choices: tuple[Any, ...]) -> tuple[Any, ...]:
    if not choices:
        raise ValueError("at least one is needed")
    return choices


Methods = Annotated[tuple[Method, ...], AfterValidator(_not_empty)]
Layouts = Annotated[tuple[Layout, ...], AfterValidator(_not_empty)]


class EmulatorSettings(EmulatorKeySettings):
    """All that the emulator reads from its environment; with the defaults it waits until a scenario is asked for."""

    emulator_api_key: SecretStr | None = Field(
        None, description="The API key that /api asks for; without it any key is accepted, but one must be sent."
    )
    emulator_resign_retries: bool = Field(
        False, description="Whether a retry is signed anew; without it a retry carries its first signature."
    )
    emulator_state_file: Path | None = Field(
        None, description="Where the registered hooks outlive a restart; without it they do not."
    )
    emulator_target_url: Target | None = Field(
        None,
        description="One receiver that scenarios are delivered to, whatever hooks are registered: "
        "{public URL}/hooks/{token}. With it a first scenario runs at the start.",
    )
    emulator_first_story: bool = Field(
        False, description="Without a target: whether a first scenario runs as soon as hooks are registered."
    )
    emulator_story_seed: int | None = Field(
        None,
        ge=0,
        lt=SEEDS,
        description="The number that decides a scenario: on one day the same number gives the same. Without it each "
        "scenario has a new one, and the first of `make up` has 1.",
    )
    emulator_story_messages: int = Field(
        40, ge=0, le=MOST_MESSAGES, description="Messages in a scenario; it has about five times as many deliveries."
    )
    emulator_story_methods: Annotated[Methods, NoDecode] = Field(
        METHODS, description="Request methods for a target, comma-separated: JSON, POST, GET; hooks have their own."
    )
    emulator_story_layouts: Annotated[Layouts, NoDecode] = Field(
        ("nested", "flat"),
        description="How POST and GET lay out the fields: nested, flat, bare. Unless set, hooks get nested.",
    )
    emulator_story_duplicates: float = Field(0.1, ge=0, le=1, description="The share of deliveries that come twice.")
    emulator_story_shuffle: bool = Field(False, description="Whether the deliveries come in random order.")
    emulator_concurrency: int = Field(32, ge=1, le=MOST_LINES, description="Most deliveries in flight.")
    emulator_compression: float = Field(
        300.0,
        gt=0,
        description="How much faster the retries' clock runs: at 300 the gateway's first wait of a minute is 0.2 s.",
    )

    @field_validator("emulator_story_methods", "emulator_story_layouts", mode="before")
    @classmethod
    def _split(cls, choices: object) -> object:
        """Each in the vendor's or our own spelling, in any case."""
        if not isinstance(choices, str):
            return choices
        known = {word.casefold(): word for word in (*METHODS, *LAYOUTS)}
        return [known.get(choice.casefold(), choice) for choice in split_list(choices)]
