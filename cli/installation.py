"""Installation: the files that one machine keeps in SEVEN_DATA_DIR, and the settings of its processes.

broker/      the broker's append-only file: the ledger itself
seven.db     the database, unless DATABASE_URL names another
hook-token   the secret in the hooks' URLs, unless SEVEN_HOOK_TOKEN is set; readable by its owner only
erasure-key  the secret by which forgotten numbers are hashed, likewise; it belongs to the backups
flower.db    Flower's state
emulator.json  hooks registered at the emulator
first-scenario  whether the emulator's first scenario was played
receivers    where the receiver has listened, one URL per line: hooks at the emulator that point there are ours
logs/        one file for each process
lock         held by `up` and its broker: two brokers with one append-only file would ruin it
"""

import fcntl
import os
import secrets
from collections.abc import Mapping
from pathlib import Path

from cli.exits import ExitCode, fail
from cli.settings import HomeSettings
from runtime import atomic_file
from runtime.settings.environment import Settings, load
from runtime.settings.types import reveal, reveal_all
from seven.hooks import ALL, SECRET_HEADER, Hook

EMULATED_KEY = "emulator"  # no secret: it opens nothing but the emulator on this machine
EMULATED_SIGNING_KEY = "emulated-signing-key"  # none either: beside it a delivery needs the token


class Occupied(Exception):  # noqa: N818 - a fact, and no fault
    """Someone else holds the lock."""


class Installation:
    """An installation on one machine. The environment takes precedence over what is kept here."""

    def __init__(self, settings: HomeSettings) -> None:
        self.settings = settings
        self.directory = settings.seven_data_dir.resolve()
        self.broker = self.directory / "broker"
        self.logs = self.directory / "logs"
        self.token_file = self.directory / "hook-token"
        self.erasure_key_file = self.directory / "erasure-key"
        self.flower = self.directory / "flower.db"
        self.emulator_file = self.directory / "emulator.json"
        self.first_scenario_file = self.directory / "first-scenario"
        self._receivers_file = self.directory / "receivers"
        self._lock_file = self.directory / "lock"

    @classmethod
    def from_environment(cls) -> "Installation":
        """The installation that the environment describes; exits with code 2 where a setting is invalid."""
        return cls(load(HomeSettings))

    @property
    def brings_broker(self) -> bool:
        """Whether `up` starts a broker: no REDIS_URL is set."""
        return "redis_url" not in self.settings.model_fields_set

    @property
    def has_run(self) -> bool:
        """Whether `up` has run here, as far as can be seen; in a container it has not."""
        return os.path.exists(self._lock_file)  # Path.exists raises for a directory of another user up to Python 3.13

    @property
    def emulates(self) -> bool:
        """Whether the emulator is the gateway."""
        return self.settings.seven_api_key is None

    @property
    def redis_url(self) -> str:
        """The broker to use."""
        if self.brings_broker:
            return f"redis://127.0.0.1:{self.settings.seven_broker_port}/0"
        return self.settings.redis_url.get_secret_value()

    @property
    def receiver_url(self) -> str:
        """The receiver, as seen from this machine."""
        return _local_url(self.settings.seven_host, self.settings.seven_port)

    @property
    def console_url(self) -> str:
        """The console that `up` starts, as seen from this machine."""
        return _local_url(*self.settings.console_address)

    @property
    def emulator_url(self) -> str:
        """The emulator that `up` starts."""
        return f"http://127.0.0.1:{self.settings.emulator_port}"

    @property
    def hook_token(self) -> str | None:
        """The current token; None where there is none yet. Raises OSError for a file that cannot be read."""
        if self.settings.seven_hook_token:
            return self.settings.seven_hook_token[0].get_secret_value()
        return _kept(self.token_file)

    @property
    def erasure_key(self) -> str | None:
        """The secret by which forgotten numbers are hashed; None where there is none. Raises OSError."""
        return reveal(self.settings.seven_erasure_key) or _kept(self.erasure_key_file)

    @property
    def hook(self) -> Hook | None:
        """Our hook for every event as it is registered; None where there is no token yet. Raises OSError."""
        if self.hook_token is None:
            return None
        urls = () if self.emulated_here else self.settings.seven_public_url
        base = next(iter(urls), self.receiver_url)
        secret = next(iter(reveal_all(self.settings.seven_hook_secret)), None)
        return Hook(f"{base}/hooks/{self.hook_token}", ALL, headers=secret and f"{SECRET_HEADER}: {secret}")

    @property
    def signing_key(self) -> str | None:
        """The current one; the emulator's where that is the gateway here."""
        keys = self._signing_keys if self.emulated_here else reveal_all(self.settings.seven_signing_key)
        return next(iter(keys), None)

    @property
    def emulated_here(self) -> bool:
        """Whether `up` has run here with the emulator; in a container it has not."""
        return self.emulates and self.has_run

    @property
    def _signing_keys(self) -> tuple[str, ...]:
        keys = reveal_all(self.settings.seven_signing_key)
        return keys or (reveal(self.settings.emulator_signing_key) or EMULATED_SIGNING_KEY,)

    def load(self, settings: type[Settings]) -> Settings:
        """The settings of a process here: the environment's, completed. Exits with code 2 where they are invalid."""
        return load(settings, {name.lower(): value for name, value in self.environment().items()})

    def load_for_commands(self, settings: type[Settings]) -> Settings:
        """The same, completed only where `up` has run: elsewhere the environment is whole, as in a container.

        Exits with code 2 also where the file of a secret cannot be read.
        """
        if not self.has_run:
            return load(settings, {"redis_url": self.redis_url})
        try:
            return self.load(settings)
        except OSError as error:
            fail(ExitCode.USAGE, f"{error.filename}: {error.strerror}")

    def open(self) -> int:
        """Make what is missing, and take the lock. Returns its file descriptor, which the broker inherits.

        Raises Occupied, or OSError where the directory cannot be used.
        """
        for directory in (self.directory, self.broker, self.logs):
            directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        lock = os.open(self._lock_file, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(lock)
            raise Occupied from None
        if self.hook_token is None:
            atomic_file.write(self.token_file, f"{secrets.token_urlsafe(24)}\n")
        if self.erasure_key is None:
            atomic_file.write(self.erasure_key_file, f"{secrets.token_urlsafe(32)}\n")
        return lock

    def environment(self) -> Mapping[str, str]:
        """Settings of the processes here that are not in the environment, or take precedence over it."""
        missing = {"SEVEN_DATA_DIR": str(self.directory)}
        if self.brings_broker:
            missing["REDIS_URL"] = self.redis_url
        if not self.settings.seven_hook_token and self.hook_token is not None:
            missing["SEVEN_HOOK_TOKEN"] = self.hook_token
        if self.settings.seven_erasure_key is None and self.erasure_key is not None:
            missing["SEVEN_ERASURE_KEY"] = self.erasure_key
        return {**missing, **self.emulated_gateway()}

    def emulated_gateway(self) -> Mapping[str, str]:
        """Settings for the emulator as the gateway; they replace any public URL, so that nothing leaves here."""
        if not self.emulates:
            return {}
        return {
            "SEVEN_API_URL": f"{self.emulator_url}/api",
            "SEVEN_API_KEY": EMULATED_KEY,
            "SEVEN_PUBLIC_URL": self.receiver_url,
            "SEVEN_HOOKS_MODE": "apply",
            "SEVEN_SIGNING_KEY": ",".join(self._signing_keys),
            "EMULATOR_SIGNING_KEY": reveal(self.settings.emulator_signing_key) or self._signing_keys[0],
        }

    def remember_receiver(self) -> list[str]:
        """Every URL at which the receiver of this installation has listened, today's included. Raises OSError."""
        earlier = (
            self._receivers_file.read_text("utf-8", "replace").splitlines() if self._receivers_file.exists() else []
        )
        receivers = sorted({*earlier, self.receiver_url})
        if receivers != earlier:
            self._receivers_file.write_text("".join(f"{url}\n" for url in receivers), "utf-8")
        return receivers


def _kept(file: Path) -> str | None:
    """The secret in a file; None where there is none yet. Raises OSError for a file that cannot be read."""
    try:
        return file.read_text("ascii", "replace").strip() or None
    except FileNotFoundError:
        return None


def _local_url(host: str, port: int) -> str:
    """Where a process that listens there is reached from this machine."""
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104 - everywhere is here, too
    return f"http://{f'[{host}]' if ':' in host else host}:{port}"
