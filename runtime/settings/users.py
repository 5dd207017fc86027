"""Users: URLs of servers for one process each, by a user or role of its own; and such names that have no effect."""

from collections.abc import Collection, Iterator

from pydantic import Field

from runtime.settings.environment import Environment
from runtime.settings.types import DatabaseUrl, RedisUrl


class UserSettings(Environment):
    """What `setup` gives to one container alone; the names end as the containers are called."""

    redis_url_ingest: RedisUrl | None = Field(
        None,
        description="REDIS_URL by the user `receiver` of deploy/redis/users.acl. The next six are by `worker`, `beat`, "
        "`dispatcher`, `flower`, `console` and `cli`.",
    )
    redis_url_worker: RedisUrl | None = Field(None, description="Of the workers.")
    redis_url_beat: RedisUrl | None = Field(None, description="Of beat.")
    redis_url_reactions: RedisUrl | None = Field(None, description="Of the dispatcher.")
    redis_url_flower: RedisUrl | None = Field(None, description="Of Flower.")
    redis_url_console: RedisUrl | None = Field(None, description="Of the console.")
    redis_url_cli: RedisUrl | None = Field(None, description="Of commands.")
    database_url_worker: DatabaseUrl | None = Field(
        None,
        description="DATABASE_URL by the role `seven_worker` of deploy/postgres/roles.sql. DATABASE_URL itself is then "
        "for `migrate` alone, by the owner of the tables.",
    )
    database_url_reactions: DatabaseUrl | None = Field(None, description="By `seven_dispatcher`, of the dispatcher.")
    database_url_cli: DatabaseUrl | None = Field(None, description="By `seven_operator`, of commands.")


URLS = tuple(name.upper() for name in UserSettings.model_fields)
_SERVERS = ("REDIS_URL", "DATABASE_URL")


def url_faults(names: Collection[str], *, users: bool) -> Iterator[str]:
    """A sentence for each of these names that is a URL for one process, and would have no effect."""
    for server in _SERVERS:
        for name in sorted(name for name in names if name.startswith(f"{server}_") and not name.endswith("_FILE")):
            if name not in URLS:
                yield f"{name}: no process is called so; there are {', '.join(_urls(server))}"
            elif not users:
                yield f"{name}: a URL for one process takes effect with deploy/users.yml"
            elif server == "REDIS_URL" not in names:
                yield f"{name}: setup makes the users of compose's own Redis; leave it out, or set REDIS_URL"


def shared_urls(names: Collection[str]) -> Iterator[str]:
    """A sentence where only some processes have a user of their own."""
    for server in _SERVERS:
        urls = _urls(server)
        if server == "DATABASE_URL" and server in names:  # in compose's own a role of readers is made
            urls.append("SEVEN_READER_URL")
        missing = [name for name in urls if name not in names]
        if missing and set(_urls(server)).intersection(names):
            yield f"{', '.join(missing)}: not set, so {server} is used there"


def _urls(server: str) -> list[str]:
    return [name for name in URLS if name.startswith(f"{server}_")]
