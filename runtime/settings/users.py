"""Users: a URL of Redis or PostgreSQL for each process, and what is wrong with such names in `.env`."""

from collections.abc import Collection, Iterator

from pydantic import Field

from runtime.settings.environment import Environment
from runtime.settings.types import DatabaseUrl, RedisUrl


class UserSettings(Environment):
    """What `setup` gives to one container alone; the names end as the containers are called."""

    redis_url_ingest: RedisUrl | None = Field(
        None,
        description="A REDIS_URL of the receiver's own, by the user `receiver` of deploy/redis/users.acl. All seven or "
        "none: without them setup makes the users of compose's own Redis.",
    )
    redis_url_worker: RedisUrl | None = Field(None, description="By `worker`.")
    redis_url_beat: RedisUrl | None = Field(None, description="By `beat`.")
    redis_url_reactions: RedisUrl | None = Field(None, description="By `dispatcher`.")
    redis_url_flower: RedisUrl | None = Field(None, description="By `flower`.")
    redis_url_console: RedisUrl | None = Field(None, description="By `console`.")
    redis_url_cli: RedisUrl | None = Field(None, description="By `cli`: commands.")
    database_url_worker: DatabaseUrl | None = Field(
        None,
        description="A DATABASE_URL of the workers' own, by the role `seven_worker` of deploy/postgres/roles.sql. All "
        "three or none; DATABASE_URL itself, by the owner of the tables, is then for `migrate` alone.",
    )
    database_url_reactions: DatabaseUrl | None = Field(None, description="By `seven_dispatcher`.")
    database_url_cli: DatabaseUrl | None = Field(None, description="By `seven_operator`: commands.")


URLS = tuple(name.upper() for name in UserSettings.model_fields)
_SERVERS = {
    server: tuple(name for name in URLS if name.startswith(f"{server}_")) for server in ("REDIS_URL", "DATABASE_URL")
}

_OTHERS = {"REDIS_URL": "", "DATABASE_URL": "; the console reads by SEVEN_READER_URL, `migrate` uses DATABASE_URL"}


def have_own(names: Collection[str], server: str) -> bool:
    """Whether each process has a `REDIS_URL` or `DATABASE_URL` of its own."""
    return any(name in names for name in _SERVERS[server])


def url_faults(names: Collection[str], *, users: bool) -> Iterator[str]:
    """A sentence for each name without effect, and for each without which a process would have the rights of all."""
    for server, urls in _SERVERS.items():
        for name in sorted(name for name in names if name.startswith(f"{server}_") and not name.endswith("_FILE")):
            if name not in urls:
                yield f"{name}: is no setting; there are {', '.join(urls)}{_OTHERS[server]}"
            elif not users:
                yield f"{name}: takes effect with deploy/users.yml, in Kubernetes with `make kubernetes ARGS=users`"
        if users and have_own(names, server):
            needed = (*urls, "SEVEN_READER_URL") if server == "DATABASE_URL" and server in names else urls
            for name in needed:
                if name not in names:
                    yield f"{name}: is missing; with one of them each process needs its own"
