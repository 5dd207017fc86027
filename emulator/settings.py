"""What the emulator is told of its surroundings."""

import os
import sys
from pathlib import Path
from typing import Annotated, Any

from pydantic import AfterValidator, Field, SecretStr, ValidationError, field_validator
from pydantic.fields import FieldInfo
from pydantic_settings import BaseSettings, NoDecode, PydanticBaseSettingsSource, SettingsConfigDict

from emulator.seeds import SEEDS
from emulator.wire import LAYOUTS, METHODS, Layout, Method, Target

MOST_MESSAGES = 100_000
MOST_LINES = 512


def _some(choice: tuple[Any, ...]) -> tuple[Any, ...]:
    if not choice:
        raise ValueError("at least one is needed")
    return choice


Methods = Annotated[tuple[Method, ...], AfterValidator(_some)]
Layouts = Annotated[tuple[Layout, ...], AfterValidator(_some)]


class _FromFile(PydanticBaseSettingsSource):
    """`NAME_FILE` names a file that holds the value of `NAME`, as Docker's secrets do."""

    def get_field_value(self, field: FieldInfo, field_name: str) -> tuple[Any, str, bool]:  # noqa: ARG002
        path = os.environ.get(f"{field_name.upper()}_FILE")
        if not path:
            return None, field_name, False
        try:
            return Path(path).read_text("utf-8").strip("\r\n"), field_name, False
        except (OSError, UnicodeDecodeError) as error:
            raise ValueError(f"{field_name.upper()}_FILE: cannot read that file: {type(error).__name__}") from None

    def __call__(self) -> dict[str, Any]:
        fields = self.settings_cls.model_fields.items()
        told = {name: self.get_field_value(field, name)[0] for name, field in fields}
        return {name: value for name, value in told.items() if value is not None}


class EmulatorSettings(BaseSettings):
    """The emulator's settings; every one has a default, and with all of them it waits to be asked for a story."""

    model_config = SettingsConfigDict(frozen=True, extra="ignore", env_ignore_empty=True, hide_input_in_errors=True)

    emulator_api_key: SecretStr | None = Field(
        None, description="The API key that /api asks for; without it any key will do, but one there must be."
    )
    emulator_signing_key: SecretStr | None = Field(
        None,
        description="The key that deliveries are signed with; a signed request to /api must then be signed with it.",
    )
    emulator_resign_retries: bool = Field(
        False, description="Whether a retry is signed anew; without it a retry carries its first signature."
    )
    emulator_state_file: Path | None = Field(
        None, description="Where the registered hooks outlive a restart; without it they do not."
    )
    emulator_target_url: Target | None = Field(
        None,
        description="One receiver that stories are told to, whatever hooks are registered: {public URL}/hooks/{token}. "
        "With it a first story is told at the start; without it stories are told to the registered hooks.",
    )
    emulator_first_story: bool = Field(
        False, description="Without a target: whether a first story is told as soon as hooks are registered."
    )
    emulator_story_seed: int = Field(
        1, ge=0, lt=SEEDS, description="The number that decides a story; on one day the same number tells the same."
    )
    emulator_story_messages: int = Field(
        40, ge=0, le=MOST_MESSAGES, description="Messages in a story; about five times as many deliveries tell of them."
    )
    emulator_story_methods: Annotated[Methods, NoDecode] = Field(
        METHODS,
        description="Request methods for a target, comma-separated: JSON, POST, GET; hooks have their own.",
    )
    emulator_story_layouts: Annotated[Layouts, NoDecode] = Field(
        ("nested", "flat"),
        description="How POST and GET put the fields: nested, flat, bare. Where it is not set, to hooks nested.",
    )
    emulator_story_duplicates: float = Field(0.1, ge=0, le=1, description="The share of deliveries that come twice.")
    emulator_story_shuffle: bool = Field(False, description="Whether the deliveries come in any order.")
    emulator_concurrency: int = Field(32, ge=1, le=MOST_LINES, description="Deliveries under way at one time.")
    emulator_compression: float = Field(
        300.0,
        gt=0,
        description="How much faster the retries' clock runs: at 300 the gateway's first wait of a minute is 0.2 s.",
    )

    @field_validator("emulator_story_methods", "emulator_story_layouts", mode="before")
    @classmethod
    def _listed(cls, told: object) -> object:
        """Each in the vendor's or our own spelling, whatever the case."""
        if not isinstance(told, str):
            return told
        known = {word.casefold(): word for word in (*METHODS, *LAYOUTS)}
        return [known.get(one.strip().casefold(), one.strip()) for one in told.split(",") if one.strip()]

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003 - the signature is the library's
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Arguments, then the environment, then the files it names."""
        return init_settings, env_settings, _FromFile(settings_cls)


def load() -> EmulatorSettings:
    """Read the settings, or end the process with exit code 2 and a plain word on each that is wrong."""
    try:
        return EmulatorSettings()
    except ValidationError as error:
        wrong = [
            f"{str(one['loc'][0]).upper()}: {one['msg'].removeprefix('Value error, ')}"
            for one in error.errors(include_input=False)
        ]
    except ValueError as error:
        wrong = [str(error)]
    sys.stderr.write("".join(f"configuration: {line}\n" for line in wrong))
    raise SystemExit(2)
