"""Setup: checks the configuration in `.env` before anything starts, and gives each container the secrets it needs.

    setup.py ENV_FILE            only checks, and writes nothing
    setup.py ENV_FILE DIRECTORY

Compose can mount a secret from `.env` into no container whose root is read-only; so this one, which runs first and
ends, reads `.env` and lays them out as files: `DIRECTORY/<container>/<name>`, one volume each. Where `.env` tells no
password for Redis or PostgreSQL, one is made, once. Exit code 2 and a line for each thing that is wrong: then nothing
starts.
"""

import hashlib
import io
import os
import secrets
import sys
from collections.abc import Iterator, Mapping
from contextlib import redirect_stderr, suppress
from pathlib import Path
from urllib.parse import quote

from dotenv import dotenv_values

from ingest.settings import IngestSettings
from runtime.logs import configure_logging
from runtime.settings import KNOWN_NAMES, load, warn_of_unknown_names
from workers.settings import WorkerSettings

SHORTEST = 8  # characters of a password; as with hook tokens, it is only the worst that is refused
USER = "seven"

# Everything but what would lose or change what is kept by accident.
REDIS_RIGHTS = (
    "~* &* +@all -@admin -flushall -flushdb -swapdb +config|get +info +latency +slowlog +client +bgrewriteaof"
)

# Who needs no secret gets none.
NEEDED = {
    "ingest": ("redis_url", "seven_hook_token", "seven_hook_secret", "seven_signing_key"),
    "worker": (
        "redis_url",
        "database_url",
        "seven_hook_token",
        "seven_hook_secret",
        "seven_api_key",
        "seven_signing_key",
        "flower_basic_auth",
    ),
    "flower": ("redis_url", "flower_basic_auth"),
    "postgres": ("postgres_password",),
    "redis": ("redis_password", "users.acl"),  # Redis starts once the last is there
}
# Compose and other tools have names of their own in .env that end in _FILE, as COMPOSE_FILE does.
OURS = KNOWN_NAMES | {name.upper() for names in NEEDED.values() for name in names}


def main(env_file: Path, directory: Path | None = None) -> int:
    """Check, and lay out where there is a directory. Returns the exit code."""
    configure_logging("WARNING", "text")
    told = {name: value for name, value in dotenv_values(env_file).items() if value}
    laid = laid_out(told, directory)
    os.environ.update({name: value for name, value in told.items() if name not in files_of_ours(told)})
    os.environ.update({name.upper(): value for name, value in laid.items() if name.endswith("_url")})
    if wrong := [*faults(told), *faults_of_our_settings()]:
        sys.stderr.write("".join(f"{line}\n" for line in wrong))
        return 2
    warn_of_unknown_names()
    if directory is None:
        sys.stdout.write("the configuration is good; nothing was changed\n")
        return 0
    for container, names in NEEDED.items():
        for name in names:
            keep(directory / container / name, laid.get(name, ""))
    sys.stdout.write(f"the configuration is good; secrets are laid out for {', '.join(NEEDED)}\n")
    return 0


def faults_of_our_settings() -> list[str]:
    """What receiver and workers would end with, each line once."""
    said = io.StringIO()
    for settings in (IngestSettings, WorkerSettings):
        with suppress(SystemExit), redirect_stderr(said):
            load(settings)
    return list(dict.fromkeys(said.getvalue().splitlines()))


def faults(told: Mapping[str, str]) -> Iterator[str]:
    """What our processes' own settings would not notice."""
    users = [user.partition(":") for user in told.get("FLOWER_BASIC_AUTH", "").split(",")]
    if not all(name and len(password) >= SHORTEST for name, _, password in users):
        yield f"configuration: FLOWER_BASIC_AUTH: needs name:password, the password of {SHORTEST} or more characters"
    for password_name in ("POSTGRES_PASSWORD", "REDIS_PASSWORD"):
        if 0 < len(told.get(password_name, "")) < SHORTEST:
            yield f"configuration: {password_name}: {SHORTEST} or more characters are needed; without one, one is made"
    for file in files_of_ours(told):
        yield f"configuration: {file}: containers do not see that file; set {file.removesuffix('_FILE')} itself"


def files_of_ours(told: Mapping[str, str]) -> list[str]:
    """The names that tell a setting of ours by a file."""
    return sorted(name for name in told if name.endswith("_FILE") and name.removesuffix("_FILE") in OURS)


def laid_out(told: Mapping[str, str], directory: Path | None) -> Mapping[str, str]:
    """Every secret by its file's name. What `.env` tells stands over what was made before."""
    redis = told.get("REDIS_PASSWORD") or made_before(directory, "redis/redis_password")
    postgres = told.get("POSTGRES_PASSWORD") or made_before(directory, "postgres/postgres_password")
    own = {
        "redis_url": f"redis://:{quote(redis, safe='')}@redis:6379/0",
        "database_url": f"postgresql://{USER}:{quote(postgres, safe='')}@postgres:5432/{USER}",
        "redis_password": redis,
        "postgres_password": postgres,
        "users.acl": f"user default on #{hashlib.sha256(redis.encode()).hexdigest()} {REDIS_RIGHTS}\n",
    }
    return own | {name.lower(): value for name, value in told.items()}


def made_before(directory: Path | None, name: str) -> str:
    """The password in a file, or a new one."""
    with suppress(FileNotFoundError):
        if directory and (password := (directory / name).read_text("utf-8")):
            return password
    return secrets.token_urlsafe(24)


def keep(file: Path, value: str) -> None:
    """Write a file whole or not at all. Whoever is in a container may read it: each sees its own volume only."""
    fresh = file.with_suffix(".new")
    fresh.write_text(value, "utf-8")
    fresh.chmod(0o444)
    fresh.replace(file)


if __name__ == "__main__":
    sys.exit(main(*map(Path, sys.argv[1:])))
