"""What workers and beat are told of their surroundings."""

import re
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, SecretStr, field_validator
from pydantic_settings import NoDecode

from gateway.desired_hooks import DEFAULT, DesiredHook, read_desired
from gateway.factory import Account
from operations.retention_settings import RetentionSettings
from runtime.hook_settings import HookSettings
from runtime.settings import LedgerSettings
from store.engine import database_url


class WorkerSettings(LedgerSettings, HookSettings, RetentionSettings):
    """The settings of a worker, and of beat."""

    database_url: SecretStr | None = Field(
        None, description="sqlite:///… or postgresql://…; without it a SQLite file in SEVEN_DATA_DIR."
    )
    seven_data_dir: Path = Field(Path("data"), description="Where a single machine keeps its files.")
    seven_worker_threads: int = Field(4, ge=1, le=64, description="Batches that one worker consumes at a time.")
    seven_sweep_s: float = Field(10.0, gt=0, description="Seconds between two sweeps for batches left waiting.")
    seven_overdue_s: float = Field(
        30.0, ge=10, description="Seconds after which a batch is announced again; far above the accept deadline."
    )
    seven_sweep_limit: int = Field(
        10_000, ge=1, description="Batches of a queue announced again at once; none while as many are announced."
    )
    seven_stall_s: float = Field(
        180.0,
        ge=1,
        description="Seconds in which a worker consumed nothing although its queue waited, and it ends itself.",
    )
    seven_audit_s: float = Field(900.0, ge=1, description="Seconds between two audits of ledger and database.")
    seven_api_key: SecretStr | None = Field(None, description="The account's API key; without it hooks are not read.")
    seven_api_url: str = Field("https://gateway.seven.io/api", description="The gateway's API.")
    seven_hooks: Annotated[tuple[DesiredHook, ...], NoDecode] = Field(
        DEFAULT, description="The desired hooks, as TOML; SEVEN_HOOKS_FILE names a file of it."
    )
    seven_hooks_mode: Literal["report", "apply"] = Field(
        "report", description="Whether reconciling reports, or repairs as well."
    )
    seven_hooks_s: float = Field(300.0, ge=1, description="Seconds between two reconcilings of the hooks.")
    seven_hooks_most_changes: int = Field(
        10, ge=1, description="Changes in one reconciling beyond which none is made, and somebody has to look."
    )
    seven_hooks_grace_s: float = Field(
        86_400.0, ge=0, description="Seconds without any delivery after which a new token's hook has to answer only us."
    )

    @property
    def store_url(self) -> str:
        """The database to use."""
        if self.database_url is not None:
            return self.database_url.get_secret_value()
        return f"sqlite:///{self.seven_data_dir.resolve() / 'seven.db'}"

    @property
    def account(self) -> Account:
        """The account at the gateway, and its hooks."""
        return Account(
            api_url=self.seven_api_url,
            api_key=_revealed(self.seven_api_key),
            public_urls=self.seven_public_url,
            tokens=tuple(token.get_secret_value() for token in self.seven_hook_token),
            desired=self.seven_hooks,
            signing_key=_revealed(next(iter(self.seven_signing_key), None)),
            hook_secret=_revealed(next(iter(self.seven_hook_secret), None)),
            most_changes=self.seven_hooks_most_changes,
            grace_s=self.seven_hooks_grace_s,
        )

    @field_validator("database_url")
    @classmethod
    def _database(cls, told: SecretStr | None) -> SecretStr | None:
        if told is not None:
            database_url(told.get_secret_value())
        return told

    @field_validator("seven_api_key")
    @classmethod
    def _sendable(cls, told: SecretStr | None) -> SecretStr | None:
        if told is not None and not re.fullmatch(r"[!-~]+", told.get_secret_value()):
            raise ValueError("a key of ASCII letters and digits is expected; were quotes or dots pasted along?")
        return told

    @field_validator("seven_hooks", mode="before")
    @classmethod
    def _desired(cls, told: object) -> object:
        return read_desired(told) if isinstance(told, str) else told


def _revealed(secret: SecretStr | None) -> str | None:
    return None if secret is None else secret.get_secret_value()
