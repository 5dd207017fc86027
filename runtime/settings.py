"""What every process is told of its surroundings: environment, `NAME_FILE`, and names that nobody knows."""

import difflib
import os
import re
import sys
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar

from pydantic import AfterValidator, ByteSize, DirectoryPath, Field, SecretStr, ValidationError, field_validator
from pydantic.fields import FieldInfo
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from runtime.logs import logger
from runtime.redis_url import RedisServer

log = logger("seven.settings")

KNOWN_NAMES = frozenset(
    {
        "SEVEN_ACCEPT_DEADLINE_S",
        "SEVEN_API_KEY",
        "SEVEN_API_URL",
        "SEVEN_AUDIT_S",
        "SEVEN_BATCH_SIZE",
        "SEVEN_BODY_LIMIT",
        "SEVEN_BROKER_PORT",
        "SEVEN_DATA_DIR",
        "SEVEN_FLOWER_PORT",
        "SEVEN_FLOWER_URL",
        "SEVEN_HOOKS",
        "SEVEN_HOOKS_GRACE_S",
        "SEVEN_HOOKS_MODE",
        "SEVEN_HOOKS_MOST_CHANGES",
        "SEVEN_HOOKS_S",
        "SEVEN_HOOK_SECRET",
        "SEVEN_HOOK_SECRET_MODE",
        "SEVEN_HOOK_TOKEN",
        "SEVEN_HOST",
        "SEVEN_KEEP_CALLS_DAYS",
        "SEVEN_KEEP_DELIVERIES_DAYS",
        "SEVEN_KEEP_HISTORIES_DAYS",
        "SEVEN_KEEP_HOOK_CHANGES_DAYS",
        "SEVEN_KEEP_INBOUND_MESSAGES_DAYS",
        "SEVEN_KEEP_LINKS_DAYS",
        "SEVEN_KEEP_MESSAGES_DAYS",
        "SEVEN_KEEP_PAYLOADS_DAYS",
        "SEVEN_KEEP_TEXTS_DAYS",
        "SEVEN_KEEP_UNAPPLIED_DAYS",
        "SEVEN_LEDGER_LIMIT",
        "SEVEN_LOG_FORMAT",
        "SEVEN_LOG_LEVEL",
        "SEVEN_METRICS_ADDRESS",
        "SEVEN_OVERDUE_S",
        "SEVEN_PARKED_LIMIT",
        "SEVEN_PARKED_MOST",
        "SEVEN_PATIENCE_S",
        "SEVEN_PORT",
        "SEVEN_PUBLIC_URL",
        "SEVEN_QUARANTINED_LIMIT",
        "SEVEN_QUARANTINED_MOST",
        "SEVEN_RECEIVER_URL",
        "SEVEN_RETAIN_S",
        "SEVEN_SIGNATURE_AHEAD_S",
        "SEVEN_SIGNATURE_AGE_S",
        "SEVEN_SIGNATURE_MODE",
        "SEVEN_SIGNING_KEY",
        "SEVEN_STALL_S",
        "SEVEN_STRANGER_CONNECTIONS",
        "SEVEN_STRANGER_RATE",
        "SEVEN_SWEEP_LIMIT",
        "SEVEN_SWEEP_S",
        "SEVEN_TRUSTED_PROXIES",
        "SEVEN_WAITING_LIMIT",
        "SEVEN_WORKER_THREADS",
    }
)
"""What any of our processes is told: they share one environment, and none may warn of another's names."""


SHORTEST_TOKEN = 8
HOW_TO_MAKE_ONE = 'make one: python3 -c "import secrets; print(secrets.token_urlsafe(24))"'


def check_token(token: str) -> None:
    """Raise ValueError for a hook token that is too short, or that a path does not carry as it is."""
    if not re.fullmatch(rf"[\w.~-]{{{SHORTEST_TOKEN},}}", token, re.ASCII):
        raise ValueError(
            f"each token needs {SHORTEST_TOKEN} or more characters of A-Z a-z 0-9 . _ ~ -; {HOW_TO_MAKE_ONE}"
        )


class FromFile(PydanticBaseSettingsSource):
    """`NAME_FILE` names a file that holds the value of `NAME`, as Docker's secrets do."""

    def get_field_value(self, field: FieldInfo, field_name: str) -> tuple[Any, str, bool]:
        """The file's text without its final newline. Raises ValueError for a file that cannot be read."""
        name = str(field.validation_alias or field_name).upper()
        path = os.environ.get(f"{name}_FILE")
        if not path:
            return None, field_name, False
        try:
            told = Path(path).read_text("utf-8").strip("\r\n")
        except (OSError, UnicodeDecodeError) as error:
            raise ValueError(f"{name}_FILE: cannot read that file: {type(error).__name__}") from None
        return told or None, str(field.validation_alias or field_name), False  # empty tells nothing, as everywhere

    def __call__(self) -> dict[str, Any]:
        """Every field that is told by a file."""
        told = (self.get_field_value(field, name) for name, field in self.settings_cls.model_fields.items())
        return {name: value for value, name, _ in told if value is not None}


class Environment(BaseSettings):
    """The settings of one process: frozen, read once where the process is put together."""

    model_config = SettingsConfigDict(frozen=True, extra="ignore", env_ignore_empty=True, populate_by_name=True)

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


def _is_redis(told: SecretStr) -> SecretStr:
    RedisServer.parse(told.get_secret_value())
    return told


RedisUrl = Annotated[SecretStr, AfterValidator(_is_redis)]
"""A REDIS_URL that every client of ours can use."""


class LogSettings(Environment):
    """How a process logs."""

    seven_log_format: Literal["text", "json"] = Field(
        "text", description="How logs are written: for people, or a machine."
    )
    seven_log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = Field("INFO", description="How much is logged.")


class LedgerSettings(LogSettings):
    """What every process that reaches the ledger is told."""

    redis_url: RedisUrl = Field(
        SecretStr("redis://127.0.0.1:6379/0"),
        description="Redis or Valkey: ledger and broker, with appendfsync always.",
    )
    seven_ledger_limit: ByteSize = Field(
        ByteSize(1024**3),
        description="Memory that Redis may use; with its own maxmemory the lower counts. Beyond 75 % of it: 503.",
    )
    seven_metrics_address: str | None = Field(
        None,
        pattern=r"^(off|\S+:\d{1,5})$",
        description="host:port where the process tells metrics and how it stands; each has a default, off for nowhere.",
    )
    prometheus_multiproc_dir: DirectoryPath | None = Field(
        None, description="A directory where processes of one kind on one machine count together."
    )

    def metrics_address(self, port: int) -> str | None:
        """Where to tell metrics: on this machine only, unless another address was told; None for nowhere."""
        told = self.seven_metrics_address or f"127.0.0.1:{port}"
        return None if told == "off" else told

    @field_validator("prometheus_multiproc_dir")
    @classmethod
    def _is_writable(cls, told: Path | None) -> Path | None:
        if told and not os.access(told, os.W_OK | os.X_OK):
            raise ValueError("a directory where this process may write is expected")
        return told


Some = TypeVar("Some", bound=Environment)


def load(settings: type[Some]) -> Some:
    """Read a process' settings, or end it with exit code 2 and a plain word on each that is wrong."""
    try:
        return settings()
    except ValidationError as error:
        wrong = [
            ": ".join((*(str(name).upper() for name in one["loc"][:1]), one["msg"].removeprefix("Value error, ")))
            for one in error.errors(include_input=False)
        ]
    except ValueError as error:
        wrong = [str(error)]
    sys.stderr.write("".join(f"configuration: {line}\n" for line in wrong))
    raise SystemExit(2)


def unknown_names() -> list[tuple[str, str]]:
    """Each `SEVEN_…` name in the environment that is none of ours, with the nearest that is."""
    strangers = sorted(
        name for name in os.environ if name.startswith("SEVEN_") and name.removesuffix("_FILE") not in KNOWN_NAMES
    )
    return [(name, difflib.get_close_matches(name, KNOWN_NAMES, 1, 0.0)[0]) for name in strangers]


def warn_of_unknown_names() -> None:
    """Log a warning for each of them."""
    for name, nearest in unknown_names():
        log.warning("unknown setting", name=name, did_you_mean=nearest)
