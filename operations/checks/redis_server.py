"""The Redis server: whether what it has confirmed is on disk, and stays there."""

from collections.abc import Iterator

from ledger.health import FULL_AT, effective_limit
from ledger.server_info import Server
from operations.checks.ages import size
from operations.checks.check import Check, Grade, Unread, good, unknown, warning, wrong

OLDEST = {"redis": (7,), "valkey": (8,)}
"""The oldest versions that still get fixes."""
UNPROVEN = "ask its operator for: appendonly yes, appendfsync always, no-appendfsync-on-rewrite no"


def checks(
    server: Server | Unread, ledger_limit: int, replicas: int = 0, *, fails_over: bool = False
) -> Iterator[Check]:
    """All of it. `replicas`: how many have to confirm a delivery; `fails_over`: Sentinel lets one take over."""
    if isinstance(server, Unread):
        yield unknown("Redis", f"does not answer ({server.reason})", "see REDIS_URL; is it running?")
        return
    yield _version(server)
    yield _writes(server)
    yield _append_only(server)
    yield _fsync(server)
    yield _eviction(server)
    yield _memory(server, ledger_limit)
    yield _replication(server, replicas, fails_over=fails_over)
    yield _errors(server)


def memory(name: str, used: int, limit: int) -> Check:
    """Whether receivers refuse for lack of memory, or soon will."""
    finding = f"{used / limit:.0%} of its {size(limit)} in use"
    if used >= limit * FULL_AT:
        return wrong(name, f"{finding}: receivers answer 503", "bring back what consumes, or raise its limits")
    if used >= limit * FULL_AT / 2:
        return warning(name, finding, f"from {FULL_AT:.0%} on receivers answer 503: see what waits")
    return good(name, finding)


def _version(server: Server) -> Check:
    if not server.version:
        return warning("Redis version", "unknown", "Redis 7 or Valkey 8, or newer, is expected")
    version = f"{server.name.capitalize()} {'.'.join(map(str, server.version))}"
    oldest = OLDEST.get(server.name)
    if oldest and server.version < oldest:
        return wrong("Redis version", version, f"upgrade it to {oldest[0]} or newer")
    return good("Redis version", version)


def _writes(server: Server) -> Check:
    if server.refusal:
        return wrong("Redis writes", f"it takes none ({server.refusal})", "deploy/alerts.md, Redis is unavailable")
    return good("Redis writes", "it took one")


def _append_only(server: Server) -> Check:
    if "aof_enabled" not in server.info and not server.config:
        return warning("append-only file", "cannot prove durability: INFO and CONFIG are denied", UNPROVEN)
    enabled = str(server.info.get("aof_enabled", "")) == "1" or (server.config or {}).get("appendonly") == "yes"
    if not enabled:
        finding = "there is none: accepted deliveries are in memory only"
        return wrong("append-only file", finding, "CONFIG SET appendonly yes, and appendonly yes in its configuration")
    return good("append-only file", "kept")


def _fsync(server: Server) -> Check:
    policy = (server.config or {}).get("appendfsync")
    if policy is None:
        return warning("fsync", "cannot prove durability: CONFIG is denied, as with managed servers", UNPROVEN)
    if policy != "always":
        lost = "about a second" if policy == "everysec" else "whatever the kernel had not written"
        finding = f"appendfsync {policy}: a power loss takes {lost} of what was answered with 202"
        return wrong("fsync", finding, "CONFIG SET appendfsync always, and the same in its configuration")
    if (server.config or {}).get("no-appendfsync-on-rewrite") == "yes":
        finding = "no-appendfsync-on-rewrite yes: no fsync while the file is rewritten"
        return wrong("fsync", finding, "CONFIG SET no-appendfsync-on-rewrite no, and the same in its configuration")
    return good("fsync", "appendfsync always")


def _eviction(server: Server) -> Check:
    policy = server.info.get("maxmemory_policy")
    if policy is None:
        return warning("eviction", "its maxmemory-policy is unknown", "noeviction is needed")
    if policy != "noeviction":
        remedy = "CONFIG SET maxmemory-policy noeviction, and the same in its configuration"
        return wrong("eviction", f"maxmemory-policy {policy}: a full Redis forgets", remedy)
    return good("eviction", "noeviction")


def _memory(server: Server, ledger_limit: int) -> Check:
    name = "Redis memory"
    if "used_memory" not in server.info:
        finding = f"unknown: it {server.missing_right}" if server.missing_right else "unknown"
        return warning(name, finding, "deploy/operate.md, Least privilege in Redis")
    limit = effective_limit(server.info.get("maxmemory"), ledger_limit)
    machine = int(server.info.get("total_system_memory") or 0)
    check = memory(name, int(server.info["used_memory"]), limit)
    if machine and limit > machine and check.grade is not Grade.WRONG:
        remedy = "lower maxmemory or SEVEN_LEDGER_LIMIT: the kernel ends it before it refuses"
        return warning(name, f"{check.finding}, on a machine of {size(machine)}", remedy)
    return check


def _replication(server: Server, confirming: int, *, fails_over: bool) -> Check:
    if "role" not in server.info:
        return warning("replication", "unknown")
    if server.info["role"] != "master":
        return wrong("replication", "REDIS_URL leads to a replica", "let it lead to the primary, or promote this one")
    replicas = int(server.info.get("connected_slaves", 0))
    return _confirmation(replicas, confirming) if confirming else _unconfirmed(server, replicas, fails_over=fails_over)


def _confirmation(replicas: int, confirming: int) -> Check:
    """Each delivery waits for replicas."""
    if replicas < confirming:
        finding = f"{replicas} connected, and SEVEN_REPLICAS_CONFIRM={confirming}: receivers answer 503"
        return wrong("replication", finding, "bring the replicas back; deploy/alerts.md, Redis is unavailable")
    return good("replication", f"{replicas} connected; each delivery waits for {confirming}")


def _unconfirmed(server: Server, replicas: int, *, fails_over: bool) -> Check:
    """No delivery waits for replicas."""
    if fails_over:
        finding = f"{replicas} connected; a failover loses what was answered just before"
        return warning("replication", finding, "SEVEN_REPLICAS_CONFIRM=1, for receivers and workers")
    if not replicas:
        return good("replication", "no replica: its own disk has the only copy")
    least = (server.config or {}).get("min-replicas-to-write")
    if least == "0":
        finding = f"{replicas} connected; a failover may lose what was answered just before"
        return warning("replication", finding, "SEVEN_REPLICAS_CONFIRM=1, for receivers and workers")
    return good("replication", f"{replicas} connected" + (f", at least {least} to write" if least else ""))


def _errors(server: Server) -> Check:
    statuses = {
        "aof_last_write_status": "its last write to the append-only file failed",
        "aof_last_bgrewrite_status": "its last rewrite of the append-only file failed",
        "rdb_last_bgsave_status": "its last snapshot failed",
    }
    failures = [failure for name, failure in statuses.items() if server.info.get(name, "ok") != "ok"]
    if server.info.get("loading"):
        failures.append("it is loading its data")
    if failures:
        remedy = "look at its log and its disk: full, broken, or not its to write?"
        return wrong("Redis disk", "; ".join(failures), remedy)
    return good("Redis disk", "no failure")
