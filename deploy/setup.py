"""Setup: checks the configuration in `.env` before anything starts, and gives each container the secrets it needs.

    setup.py ENV_FILE                    only checks, and writes nothing
    setup.py ENV_FILE DIRECTORY
    setup.py ENV_FILE [DIRECTORY] users    each process gets users of its own (deploy/users.yml)

Compose cannot mount a secret from `.env` into a container whose root is read-only. So this container runs first, reads
`.env` and writes the secrets as files, `DIRECTORY/<container>/<name>`, one volume each. A password for Redis or
PostgreSQL, or an erasure key, that `.env` lacks is made, once. Exit code 2 and a line per fault; then nothing starts.
"""

import hashlib
import os
import secrets
import sys
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from urllib.parse import quote

from console.settings import ConsoleSettings
from ingest.settings import IngestSettings
from ledger.redis_users import USERS
from operations.checks.subject import CheckedSettings
from runtime.env_file import read_env_file
from runtime.settings.environment import Environment, InvalidSettings, read
from runtime.settings.registry import NAMES, declared, is_secret, misspelt_settings
from runtime.settings.shared import ReaderSettings
from runtime.settings.traces import TraceSettings
from runtime.settings.types import SHORTEST_PASSWORD, check_logins
from runtime.settings.users import URLS, UserSettings, have_own, url_faults
from workers.settings import WorkerSettings

USER = "seven"
READER = "seven_readonly"
"""The role of `query` and the console; Grafana's `seven_reader` sees less."""

# Everything but what would lose or change data by accident.
REDIS_RIGHTS = (
    "~* &* +@all -@admin -flushall -flushdb -swapdb +config|get +info +latency +slowlog +client +bgrewriteaof"
    " +acl|load +acl|log"
)


def secrets_of(settings: type[Environment]) -> tuple[str, ...]:
    """The names of a process' secret settings, in lower case."""
    return tuple(name.lower() for name, field in declared([settings]) if is_secret(field))


MOUNTED = {"SEVEN_OPT_OUT_WORDS_FILE"}
"""Files that docker-compose.yml gives to the containers that read them."""
REACTIONS_DIRECTORY = "./reactions.d"
"""What docker-compose.yml mounts, unless SEVEN_REACTIONS_DIRECTORY names another."""

# A container that needs no secret gets none.
NEEDED = {
    "ingest": secrets_of(IngestSettings),
    # `doctor` judges the pages' passwords, `query` reads by a role of its own, which `migrate` makes
    "worker": (*secrets_of(WorkerSettings), "flower_basic_auth", "seven_console_auth", "seven_reader_url"),
    "reactions": (
        *secrets_of(CheckedSettings),
        *secrets_of(TraceSettings),
    ),  # it runs the checks of `status`; handlers of yours run beside it
    "flower": ("redis_url", "flower_basic_auth"),
    "console": ("redis_url", "console_reader_url", "seven_console_auth"),
    "postgres": ("postgres_password", "reader_password"),
    "redis": ("redis_password", "users.acl"),  # Redis starts once the last one is there
}
REDIS_USERS = {
    "ingest": "receiver", "worker": "worker", "beat": "beat", "reactions": "dispatcher", "flower": "flower",
    "console": "console", "cli": "cli",
}  # fmt: skip
"""Containers, and whom they log in to Redis as, where each has a user of its own."""
OF_COMMANDS = ("flower_basic_auth", "seven_console_auth", "seven_reader_url")
"""What the command line needs and workers do not: they share a volume, but for users of their own."""
OF_MIGRATION = ("database_url", "seven_reader_url")


def main(env_file: Path, directory: Path | None = None, *, users: bool = False) -> int:
    """Check, and write the secrets if there is a directory. Returns the exit code."""
    try:
        values, unread = read_env_file(env_file)
    except UnicodeDecodeError:
        sys.stderr.write("configuration: .env: cannot be read: it is not UTF-8\n")
        return 2
    files = contents(values, directory)
    ours = {name: value for name, value in files.items() if name.upper() in NAMES}
    if wrong := [*unread, *faults(values), *settings_faults(ours), *url_faults(values, users=users)]:
        sys.stderr.write("".join(f"configuration: {fault}\n" for fault in wrong))
        return 2
    warnings = [*misspelt_settings(values), *read(IngestSettings, ours).warnings(), *unseen_reactions(values)]
    for sentence in (*warnings, *(shared_users(values) if users else ())):
        sys.stderr.write(f"warning: {sentence}\n")
    if directory is None:
        sys.stdout.write("the configuration is good; nothing was changed\n")
        return 0
    layout: dict[str, Mapping[str, str]] = {
        container: {name: files.get(name, "") for name in names} for container, names in NEEDED.items()
    }
    if users:
        layout = with_users(layout, values, directory)
    for container, secret_files in layout.items():
        for name, value in secret_files.items():
            write(directory / container / name, value)
        if container not in ("postgres", "redis"):  # these keep the passwords that were made
            for file in (directory / container).iterdir():
                if file.name not in secret_files and file.suffix != ".new" and file.is_file():
                    file.unlink(missing_ok=True)  # what it needs no more, as with users of its own
    sys.stdout.write(f"the configuration is good; secrets are laid out for {', '.join(layout)}\n")
    return 0


def settings_faults(values: Mapping[str, str]) -> list[str]:
    """What our processes would refuse to start with, each line once."""
    lines: list[str] = []
    for settings in (IngestSettings, WorkerSettings, ReaderSettings, ConsoleSettings, UserSettings):
        try:
            read(settings, values)
        except InvalidSettings as error:
            lines += error.faults
    return list(dict.fromkeys(lines))


def faults(values: Mapping[str, str]) -> Iterator[str]:
    """What the settings of our processes do not cover."""
    try:
        check_logins(values.get("FLOWER_BASIC_AUTH", ""))
    except ValueError as error:
        yield f"FLOWER_BASIC_AUTH: {error}"
    passwords = {"POSTGRES_PASSWORD": [values.get("POSTGRES_PASSWORD", "")]}
    passwords["REDIS_PASSWORD"] = values.get("REDIS_PASSWORD", "").split(",")  # two are valid during a rotation
    for name, of_server in passwords.items():
        if values.get(name) and min(map(len, of_server)) < SHORTEST_PASSWORD:
            yield f"{name}: {SHORTEST_PASSWORD} or more characters are needed; without one, one is made"
    for file in own_files(values):
        yield f"{file}: containers do not see that file; set {file.removesuffix('_FILE')} itself"


def shared_users(values: Mapping[str, str]) -> Iterator[str]:
    """Where each process could have a user of its own in Redis, and has none."""
    if "REDIS_URL" in values and not have_own(values, "REDIS_URL"):
        yield "REDIS_URL: every process uses it; REDIS_URL_INGEST and the like give each a user of its own"


def unseen_reactions(values: Mapping[str, str]) -> Iterator[str]:
    """Where `.env` names a file of reactions that is not the one that its container reads."""
    directory = Path(values.get("SEVEN_REACTIONS_DIRECTORY", REACTIONS_DIRECTORY))
    file = values.get("SEVEN_REACTIONS_FILE")
    if file and Path(file) != directory / "reactions.toml":
        yield "SEVEN_REACTIONS_FILE: its container reads reactions.toml in SEVEN_REACTIONS_DIRECTORY instead"


def own_files(names: Iterable[str]) -> list[str]:
    """The names that set one of our settings by a file that no container sees; COMPOSE_FILE is compose's own."""
    files = {name for name in names if name.endswith("_FILE") and name.removesuffix("_FILE") in NAMES}
    return sorted(files - MOUNTED)


def contents(values: Mapping[str, str], directory: Path | None) -> Mapping[str, str]:
    """Every setting and secret by its file's name. `.env` takes precedence over what was made before."""
    redis, *former = (values.get("REDIS_PASSWORD") or made_before(directory, "redis/redis_password")).split(",")
    postgres = values.get("POSTGRES_PASSWORD") or made_before(directory, "postgres/postgres_password")
    reader = made_before(directory, "postgres/reader_password")
    own = {
        "redis_url": f"redis://:{quote(redis, safe='')}@redis:6379/0",
        "database_url": f"postgresql://{USER}:{quote(postgres, safe='')}@postgres:5432/{USER}",
        "redis_password": redis,
        "postgres_password": postgres,
        "reader_password": reader,
        "seven_erasure_key": made_before(directory, "worker/seven_erasure_key"),
        "users.acl": with_passwords(f"user default on {REDIS_RIGHTS}\n", redis, *former),
    }
    if "DATABASE_URL" not in values:  # on a server of its own, whoever runs it makes the role and sets SEVEN_READER_URL
        own["seven_reader_url"] = f"postgresql://{READER}:{quote(reader, safe='')}@postgres:5432/{USER}"
    every = own | {name.lower(): value for name, value in values.items()}
    # The console gets no right to write, unless the database is not ours and no reader is named.
    console = every.get("seven_reader_url") or every["database_url"]
    return every | {"console_reader_url": console, "redis_password": redis}


def with_users(
    layout: Mapping[str, Mapping[str, str]], values: Mapping[str, str], directory: Path
) -> dict[str, Mapping[str, str]]:
    """The secrets of each container, with users of its own: made for compose's own Redis, otherwise those in `.env`.

    Beat, migration and the command line then share no file with workers.
    """
    commands = layout["worker"]
    worker = {name: value for name, value in commands.items() if name not in OF_COMMANDS}
    every = {
        **layout,
        "worker": worker,
        "beat": {**worker, "database_url": ""},  # it connects to none
        "cli": commands,
        "migrate": {name: commands[name] for name in OF_MIGRATION},
    }
    if "REDIS_URL" not in values and not have_own(values, "REDIS_URL"):
        every |= with_redis_users(every, directory)
    own = {name: value for name, value in values.items() if name in URLS}
    return {
        container: {name: own.get(f"{name}_{container}".upper(), value) for name, value in files.items()}
        for container, files in every.items()
    }


def with_redis_users(every: Mapping[str, Mapping[str, str]], directory: Path) -> dict[str, Mapping[str, str]]:
    """The secrets of each container that uses compose's own Redis, and Redis' own with all users.

    `default` stays, for operators.
    """
    passwords = {user: made_before(directory, f"redis/{user}_password") for user in REDIS_USERS.values()}
    lines = (with_passwords(str(user), passwords[user.name]) for user in USERS)
    changed: dict[str, Mapping[str, str]] = {
        container: {**every[container], "redis_url": f"redis://{user}:{passwords[user]}@redis:6379/0"}
        for container, user in REDIS_USERS.items()
    }
    files = {f"{user}_password": password for user, password in passwords.items()}
    users_acl = every["redis"]["users.acl"] + "".join(f"{line}\n" for line in lines)
    return changed | {"redis": {**files, **every["redis"], "users.acl": users_acl}}


def with_passwords(line: str, *passwords: str) -> str:
    """A line of the ACL file with the hashes of passwords: each of them is valid."""
    hashes = " ".join(f"#{hashlib.sha256(password.encode()).hexdigest()}" for password in passwords)
    return line.replace(" on ", f" on {hashes} ", 1)


def made_before(directory: Path | None, name: str) -> str:
    """The password in a file, or a new one."""
    with suppress(FileNotFoundError):
        if directory and (password := (directory / name).read_text("utf-8")):
            return password
    return secrets.token_urlsafe(24)


def write(file: Path, value: str) -> None:
    """Write a file atomically, readable by every user of the container: each sees only its own volume."""
    file.parent.mkdir(mode=0o700, exist_ok=True)
    fresh = file.with_suffix(f".{os.getpid()}.new")  # another setup may run at the same time
    fresh.write_text(value, "utf-8")
    fresh.chmod(0o444)
    fresh.replace(file)


if __name__ == "__main__":
    arguments = sys.argv[1:]
    users = arguments[-1:] == ["users"]
    sys.exit(main(*map(Path, arguments[:-1] if users else arguments), users=users))
