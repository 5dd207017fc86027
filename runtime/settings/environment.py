"""Environment: how a process reads its settings: arguments, environment variables, files named by `NAME_FILE`."""

import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeVar

from pydantic import ValidationError
from pydantic.fields import FieldInfo
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict


class FromFile(PydanticBaseSettingsSource):
    """`NAME_FILE` names a file that holds the value of `NAME`, as Docker's secrets do."""

    def get_field_value(
        self,
        field: FieldInfo,  # noqa: ARG002 - the signature is the library's
        field_name: str,
    ) -> tuple[Any, str, bool]:
        """The file's text without its final newline. Raises ValueError for a file that cannot be read."""
        path = os.environ.get(f"{field_name.upper()}_FILE")
        if not path:
            return None, field_name, False
        try:
            text = Path(path).read_text("utf-8").strip("\r\n")
        except (OSError, UnicodeDecodeError) as error:
            raise ValueError(f"{field_name.upper()}_FILE: cannot read that file: {type(error).__name__}") from None
        return text or None, field_name, False  # an empty file counts as unset, as an empty variable does

    def __call__(self) -> dict[str, Any]:
        """Every field whose value a file holds."""
        values = (self.get_field_value(field, name) for name, field in self.settings_cls.model_fields.items())
        return {name: value for value, name, _ in values if value is not None}


class Environment(BaseSettings):
    """Settings of one process: frozen, read once where the process is put together."""

    model_config = SettingsConfigDict(frozen=True, extra="ignore", env_ignore_empty=True, hide_input_in_errors=True)

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
        return init_settings, env_settings, FromFile(settings_cls)


Settings = TypeVar("Settings", bound=Environment)


class InvalidSettings(Exception):  # noqa: N818 - the operator's, and no fault of the program
    """Settings that a process cannot start with; `faults` has a line for each, without any value."""

    def __init__(self, faults: list[str]) -> None:
        super().__init__("; ".join(faults))
        self.faults = faults


def read(settings: type[Settings], values: Mapping[str, str] | None = None) -> Settings:
    """Read a process' settings. Raises InvalidSettings.

    `values`, by the names of fields, take precedence over the environment and are written as they are there.
    """
    try:
        return settings(**(values or {}))  # type: ignore[arg-type] # text, as in the environment
    except ValidationError as error:
        faults = [
            ": ".join((*(str(name).upper() for name in fault["loc"][:1]), fault["msg"].removeprefix("Value error, ")))
            for fault in error.errors(include_input=False)
        ]
        raise InvalidSettings(faults) from None
    except ValueError as error:
        raise InvalidSettings([str(error)]) from None


def load(settings: type[Settings], values: Mapping[str, str] | None = None) -> Settings:
    """Read a process' settings; exit with code 2 and one line per fault. `values` as for `read`."""
    try:
        return read(settings, values)
    except InvalidSettings as error:
        sys.stderr.write("".join(f"configuration: {fault}\n" for fault in error.faults))
        raise SystemExit(2) from None
