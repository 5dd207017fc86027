"""Settings of more than one process: logs, Redis, metrics, hooks, the account at the gateway, the database."""

import os
from pathlib import Path
from typing import TYPE_CHECKING, Literal
from urllib.parse import quote

from pydantic import ByteSize, DirectoryPath, Field, SecretStr, field_validator

from runtime.database_url import DatabaseServer
from runtime.settings.environment import Environment
from runtime.settings.types import ApiKey, DatabaseUrl, HttpUrl, Key, PublicUrls, RedisUrl, Secrets, Tokens, reveal

if TYPE_CHECKING:
    from seven.forgotten_numbers import ErasureKey


class LogSettings(Environment):
    """How a process logs."""

    seven_log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = Field(
        "INFO",
        description="DEBUG, INFO, WARNING or ERROR. At INFO one line per batch; never a number, text, token or URL.",
    )
    seven_log_format: Literal["text", "json"] = Field(
        "text", description="text for people, json for a collector (one object per line). Docker compose sets json."
    )


class RedisSettings(Environment):
    """The server that is ledger and broker."""

    redis_url: RedisUrl = Field(
        SecretStr("redis://127.0.0.1:6379/0"),
        description="Redis or Valkey with appendonly yes and appendfsync always: ledger and broker. Without it "
        "`make up` starts its own. redis://[user]:password@host:port/database, or rediss:// for TLS, where certificate "
        "and host name are verified; for your own authority: rediss://…?ssl_ca_certs=/path/to/ca.pem. "
        "ssl_certfile and ssl_keyfile name our certificate, ssl_cert_reqs=none verifies nothing. Behind Sentinel: "
        "redis+sentinel://[user]:password@sentinel:26379,another:26379/name-of-the-primary/database, or "
        "rediss+sentinel://, with ?sentinel_password= and ?sentinel_username= if the sentinels have them. Any other "
        "option is refused.",
    )


class LedgerSettings(LogSettings, RedisSettings):
    """Settings of every process that works with the ledger."""

    seven_ledger_limit: ByteSize = Field(
        ByteSize(1024**3),
        description="Memory that Redis may use; if it has a maxmemory of its own, the lower of the two counts. "
        "Beyond 75 % of it: 503.",
    )
    seven_replicas_confirm: int = Field(
        0,
        ge=0,
        le=16,
        description="How many replicas of Redis must have a delivery before it is accepted; fewer within "
        "SEVEN_ACCEPT_DEADLINE_S: 503, and the gateway retries. With Sentinel, or any failover: 1. It costs a round "
        "trip between primary and replica.",
    )
    seven_metrics_address: str | None = Field(
        None,
        pattern=r"^(off|\S+:\d{1,5})$",
        description="host:port where the process serves /metrics, /livez and /readyz; [::]:port for every address, of "
        "IPv4 as well; off for nowhere. Default: "
        "127.0.0.1:9101 for a receiver, :9102 for a worker, :9103 for beat, :9104 for a dispatcher, :9105 for the "
        "console.",
    )
    prometheus_multiproc_dir: DirectoryPath | None = Field(
        None,
        description="A directory where the receivers of `uvicorn --workers 2` count together: the process that has "
        "the address serves the sum.",
    )

    def metrics_address(self, port: int) -> str | None:
        """Where to serve metrics: on this machine only, unless an address is set; None for nowhere."""
        address = self.seven_metrics_address or f"127.0.0.1:{port}"
        return None if address == "off" else address

    @field_validator("prometheus_multiproc_dir")
    @classmethod
    def _is_writable(cls, directory: Path | None) -> Path | None:
        if directory and not os.access(directory, os.W_OK | os.X_OK):
            raise ValueError("a directory where this process may write is expected")
        return directory


class HookSettings(Environment):
    """Where hooks point and what proves that a delivery came by one. In each list the first value is current."""

    seven_public_url: PublicUrls = Field(
        (),
        description="How the gateway reaches the receiver: scheme://host[/prefix]; several, comma-separated, the "
        "first is current. Hooks are served below each prefix as well as without, so a proxy may strip it or not.",
    )
    seven_hook_token: Tokens = Field(
        (),
        description="The secret in the hooks' URLs, {public URL}/hooks/{token}. Several, comma-separated, while one "
        "is being replaced: the first is current, all may deliver. Make one: "
        'python3 -c "import secrets; print(secrets.token_urlsafe(24))"',
    )
    seven_hook_secret: Tokens = Field(
        (),
        description="A secret in a header of our hooks, beside the token; reconciling registers hooks with it. "
        "Several, as with tokens.",
    )
    seven_signing_key: Secrets = Field(
        (),
        description="The account's signing key: deliveries are verified with it, and our requests to the gateway "
        "signed. Several, comma-separated, while it is being replaced: the first is current.",
    )


class AccountSettings(Environment):
    """The account at the gateway."""

    seven_api_key: ApiKey | None = Field(
        None,
        description="The API key of your seven.io account. Without it hooks and balance are not read, and `make up` "
        "starts the emulator as the gateway.",
    )
    seven_api_url: HttpUrl = Field("https://gateway.seven.io/api", description="The gateway's API.")
    seven_balance_low_euros: float = Field(
        10.0,
        allow_inf_nan=False,
        description="Euros; below it the account's balance is low: `status` warns, and so does the alert BalanceLow. "
        "May be below zero.",
    )


class DigitSettings(Environment):
    """Which keys were pressed in a call."""

    seven_keep_digits: bool = Field(
        False,
        description="true stores which keys were pressed in calls (voice_dtmf). They may be PINs, so without it only "
        "that a key was pressed is stored, and payloads are masked before they reach Redis. The same for receiver, "
        "workers and `dead replay`.",
    )


class NumberSettings(Environment):
    """How people here write phone numbers."""

    seven_country_code: int = Field(
        49,
        description="The country code of numbers that begin with a single 0 (in Italy the 0 stays), where a person "
        "types a number: `trace`, `forget`, the console; and of senders who wrote STOP.",
    )

    @field_validator("seven_country_code")
    @classmethod
    def _is_a_countrys(cls, code: int) -> int:
        from seven.phone_numbers import is_country_code  # noqa: PLC0415 - it takes 0.1 s to import

        if not is_country_code(code):
            raise ValueError("the code of a country is expected, without + or 00, such as 49")
        return code


class ErasureSettings(Environment):
    """What makes forgetting last."""

    seven_erasure_key: Key | None = Field(
        None,
        description="The secret by which numbers that `forget` has erased are hashed, so that a repeat of a delivery "
        "brings nothing back; for workers and commands. Without it forgetting does not last. Keep it with the backups, "
        "and never change it: another key does not recognise the forgotten numbers. `make up` and Docker compose make "
        "their own.",
    )

    @property
    def erasure_key(self) -> "ErasureKey | None":
        """The key; None where there is none."""
        from seven.forgotten_numbers import ErasureKey  # noqa: PLC0415 - it takes 0.1 s to import

        return None if self.seven_erasure_key is None else ErasureKey(self.seven_erasure_key.get_secret_value())


class DataSettings(Environment):
    """Where files are kept."""

    seven_data_dir: Path = Field(
        Path("data"),
        description="Where a single machine keeps its files: the broker's, SQLite's, Flower's, and the token that "
        "`make up` makes.",
    )


class StoreSettings(DataSettings):
    """The database."""

    database_url: DatabaseUrl | None = Field(
        None,
        description="sqlite:///file or postgresql://user:password@host:port/database; without it a SQLite file in "
        "SEVEN_DATA_DIR. In a password write / ? # @ [ ] as %2F %3F %23 %40 %5B %5D. PostgreSQL's own connection "
        "parameters may follow, such as ?sslmode=verify-full&sslrootcert=/path/to/ca.pem; any other option is refused. "
        "On PostgreSQL everything is in the schema `seven`. PgBouncer may stand in front, with pool_mode=session or "
        "transaction.",
    )

    @property
    def store_url(self) -> str:
        """The database to use."""
        return reveal(self.database_url) or f"sqlite:///{quote(str(self.seven_data_dir.resolve() / 'seven.db'))}"


class ReaderSettings(StoreSettings):
    """The database, as those use it who only read."""

    seven_reader_url: DatabaseUrl | None = Field(
        None,
        description="The same database by a role that can only read, as `postgresql://…`: `seven-ingest query` and the "
        "console use it; without it DATABASE_URL, in transactions that write nothing. Docker compose makes such a role "
        "by itself; deploy/operate.md has the statements for a PostgreSQL of your own. May lead to a standby.",
    )

    @property
    def reader_url(self) -> str:
        """The database to read from."""
        return reveal(self.seven_reader_url) or self.store_url

    @field_validator("seven_reader_url")
    @classmethod
    def _has_roles(cls, url: SecretStr | None) -> SecretStr | None:
        if url is not None and DatabaseServer.parse(url.get_secret_value()).dialect == "sqlite":
            raise ValueError("postgresql://user:password@host:port/database is expected: SQLite has no roles")
        return url
