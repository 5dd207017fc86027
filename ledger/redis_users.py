"""Users: what each process may do in Redis, and no more. `make acl` writes deploy/redis/users.acl from it.

A user has commands without a key, and families: these commands, on these keys. A script may do what its caller may do,
key by key. So a receiver accepts deliveries and cannot remove one, and only who asks workers may publish to them.
"""

from dataclasses import dataclass

from ledger.announcements import CLOCK, REACTIONS
from seven.events import QUEUES

_SESSION = "+@connection +@transaction -@dangerous +time"
"""What every client may do: with its own connection, in a transaction, and read the clock that all go by."""
_SCRIPT = "eval evalsha"
_READ = "get exists pttl hget hmget hgetall hkeys hlen hexists hscan smembers zcard zmscore zrange zrangebyscore"

_ACCEPTED = "seven:ledger seven:batches seven:ordinals seven:tokens seven:last seven:pending:* seven:announced:*"
"""What lua/accept.lua writes."""
_STATE = (
    "seven:audit* seven:delivery_rate* seven:hooks* seven:balance* seven:journal* seven:public_url* seven:retention*"
    " seven:opt_outs* seven:isolating:* seven:changes:announced"
)
"""Of scheduled tasks, and the locks of those who run them."""
# Of Celery, in the same database. It appends a priority to the name of a queue.
_DELIVERIES = " ".join(f"{queue}*" for queue in QUEUES)
_TASKS = f"{_DELIVERIES} {CLOCK}* {REACTIONS}*"
_REPLIES = "*.reply.celery.pidbox*"
_REMOTE_CONTROL, _EVENTS = "/0.celery.pidbox", "/0.celeryev/*"
"""Channels of database 0: of remote control, and of what workers tell Flower."""


@dataclass(frozen=True, slots=True)
class Selector:
    """Commands that a user may run on keys, or on channels."""

    commands: str
    keys: str = ""
    channels: str = ""
    only_read: bool = False

    def __str__(self) -> str:
        key = "%R~" if self.only_read else "~"
        words = (
            *(f"{key}{pattern}" for pattern in self.keys.split()),
            *(f"&{channel}" for channel in self.channels.split()),
            *(f"+{command}" for command in self.commands.split()),
        )
        return f"({' '.join(words)})"


@dataclass(frozen=True, slots=True)
class User:
    """A user, without a password."""

    name: str
    commands: str
    selectors: tuple[Selector, ...]

    def __str__(self) -> str:
        commands = (f"+{command}" for command in self.commands.split())
        return " ".join((f"user {self.name} on resetchannels", _SESSION, *commands, *map(str, self.selectors)))


_BINDINGS = Selector(f"{_SCRIPT} exists sadd srem smembers zadd zrem zrangebyscore del", "_kombu.*")
_ANNOUNCES = (Selector("lpush llen", _DELIVERIES), Selector("sadd smembers", "_kombu.*"))
_RESTORES_UNACKED = Selector(f"{_SCRIPT} get set del pttl pexpire", "unacked_mutex")
_CONSUMES = (
    Selector("brpop rpop lpush rpush llen", _TASKS),
    Selector("hget hset hdel hlen zadd zrem zrange watch", "unacked unacked_index"),
    _RESTORES_UNACKED,
    _BINDINGS,
)
_WORKER_BROKER = (
    *_CONSUMES,
    Selector("publish", channels=_EVENTS),
    Selector("psubscribe", channels=_REMOTE_CONTROL),
    Selector("lpush pexpire exists llen del", "*.celery.pidbox*"),
)
_CONTROLS = (Selector("publish", channels=_REMOTE_CONTROL), Selector("brpop rpop llen exists pexpire del", _REPLIES))
_CONTROLS_ALONE = (*_CONTROLS, _BINDINGS, _RESTORES_UNACKED, Selector("zrange", "unacked_index"))
_READS = (
    Selector(_READ, "seven:*", only_read=True),
    Selector("srem", "seven:receivers"),  # who looks for receivers forgets those that are gone
    Selector("pexpire", "seven:receiver:*"),
    Selector("llen", _TASKS),
    Selector("hlen", "unacked"),
)
_PROBES = Selector(f"{_SCRIPT} hset", "seven:ledger")
"""Whether Redis takes a write."""
_WORKS = (
    Selector(
        f"{_SCRIPT} hget hmget hset hdel hexists hincrby hstrlen zadd zrem zrangebyscore llen",
        f"{_ACCEPTED} seven:in_hand seven:alone {_DELIVERIES}",  # lua/overdue.lua looks at both
    ),
    Selector(
        f"{_SCRIPT} get set mset del pexpire pttl watch hset hdel hincrby zadd zrem zremrangebyrank zremrangebyscore",
        _STATE,
    ),
)

USERS = (
    User(
        "receiver",
        "wait info memory|stats script|load",
        (
            Selector(f"{_SCRIPT} hget hset hincrby zadd", _ACCEPTED),
            Selector(f"{_SCRIPT} hkeys hset hincrby hdel", "seven:guards:*"),
            Selector("sadd", "seven:receivers"),
            Selector("set del", "seven:receiver:*"),
            *_ANNOUNCES,
        ),
    ),
    User("worker", "info wait script|load script|exists punsubscribe", (*_READS, *_WORKS, *_WORKER_BROKER)),
    User(
        "dispatcher",
        "info pubsub|numpat script|load script|exists punsubscribe",
        (*_READS, _PROBES, Selector("del", "seven:changes:announced"), *_WORKER_BROKER, *_CONTROLS),
    ),
    User(
        "beat",
        "script|load script|exists",
        (
            Selector("zadd zrem zremrangebyscore", "seven:beats"),
            Selector("hset del", "seven:beats:sent"),
            Selector("lpush llen", f"{CLOCK}*"),
            Selector("sadd smembers", "_kombu.*"),
        ),
    ),
    User("console", "info pubsub|numpat script|load script|exists", (*_READS, *_CONTROLS_ALONE)),
    User(
        "flower",
        "script|load script|exists punsubscribe",
        (*_CONSUMES, Selector("llen del exists", "celeryev*"), Selector("psubscribe", channels=_EVENTS), *_CONTROLS),
    ),
    User(
        "cli",
        "info wait config|get pubsub|numpat script|load script|exists",
        (*_READS, *_WORKS, *_ANNOUNCES, *_CONTROLS_ALONE),
    ),
)  # fmt: skip


def users_file() -> str:
    """The users as Redis' `aclfile` has them. Without a password nobody logs in; `default` may do nothing."""
    return "".join(f"{line}\n" for line in ("user default off", *map(str, USERS)))
