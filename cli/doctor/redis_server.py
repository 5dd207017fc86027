"""The Redis server: whether what it has confirmed is on disk, and stays there."""

from collections.abc import Iterator

from cli.checks import Check, Silence, good, unknown, warning, wrong
from cli.status_judging import size
from ledger.health import FULL_AT
from ledger.server_info import Server

OLDEST = {"redis": (7,), "valkey": (8,)}
"""What still gets its faults mended."""
UNPROVEN = "ask whoever runs it for: appendonly yes, appendfsync always, no-appendfsync-on-rewrite no"


def checks(server: Server | Silence, ledger_limit: int) -> Iterator[Check]:
    """Everything about it."""
    if isinstance(server, Silence):
        yield unknown("Redis", f"does not answer ({server.cause})", "see REDIS_URL; is it running?")
        return
    yield _version(server)
    yield _writes(server)
    yield _append_only(server)
    yield _fsync(server)
    yield _eviction(server)
    yield _memory(server, ledger_limit)
    yield _replication(server)
    yield _errors(server)


def _version(server: Server) -> Check:
    if not server.version:
        return warning("Redis version", "it does not tell", "Redis 7 or Valkey 8, or newer, is expected")
    told = f"{server.name.capitalize()} {'.'.join(map(str, server.version))}"
    oldest = OLDEST.get(server.name)
    if oldest and server.version < oldest:
        return wrong("Redis version", told, f"upgrade it to {oldest[0]} or newer")
    return good("Redis version", told)


def _writes(server: Server) -> Check:
    if server.refusal:
        return wrong("Redis writes", f"it takes none ({server.refusal})", "deploy/README.md, Redis away")
    return good("Redis writes", "it took one")


def _append_only(server: Server) -> Check:
    if "aof_enabled" not in server.told and not server.config:
        return warning("append-only file", "cannot prove durability: neither INFO nor CONFIG may be asked", UNPROVEN)
    told = str(server.told.get("aof_enabled", "")) == "1" or (server.config or {}).get("appendonly") == "yes"
    if not told:
        said = "there is none: what is accepted is in memory only"
        return wrong("append-only file", said, "CONFIG SET appendonly yes, and appendonly yes in its configuration")
    return good("append-only file", "kept")


def _fsync(server: Server) -> Check:
    told = (server.config or {}).get("appendfsync")
    if told is None:
        return warning("fsync", "cannot prove durability: CONFIG is denied, as with managed servers", UNPROVEN)
    if told != "always":
        lost = "about a second" if told == "everysec" else "whatever the kernel had not written"
        said = f"appendfsync {told}: a power loss takes {lost} of what was answered with 202"
        return wrong("fsync", said, "CONFIG SET appendfsync always, and the same in its configuration")
    if (server.config or {}).get("no-appendfsync-on-rewrite") == "yes":
        said = "no-appendfsync-on-rewrite yes: no fsync while the file is rewritten"
        return wrong("fsync", said, "CONFIG SET no-appendfsync-on-rewrite no, and the same in its configuration")
    return good("fsync", "appendfsync always")


def _eviction(server: Server) -> Check:
    told = server.told.get("maxmemory_policy")
    if told is None:
        return warning("eviction", "it does not tell its maxmemory-policy", "noeviction is needed")
    if told != "noeviction":
        cure = "CONFIG SET maxmemory-policy noeviction, and the same in its configuration"
        return wrong("eviction", f"maxmemory-policy {told}: a full Redis forgets", cure)
    return good("eviction", "noeviction")


def _memory(server: Server, ledger_limit: int) -> Check:
    if "used_memory" not in server.told:
        said = f"not known: it {server.missing_right}" if server.missing_right else "it does not tell"
        return warning("Redis memory", said, "deploy/README.md, Least rights in Redis")
    used, limit = int(server.told["used_memory"]), server.limit(ledger_limit)
    machine = int(server.told.get("total_system_memory") or 0)
    said = f"{size(used)} of {size(limit)} in use"
    if used >= limit * FULL_AT:
        return wrong("Redis memory", f"{said}: receivers answer 503", "see what waits: status; then raise its limits")
    if machine and limit > machine:
        said += f", on a machine of {size(machine)}"
        cure = "lower maxmemory or SEVEN_LEDGER_LIMIT: the kernel ends it before it refuses"
        return warning("Redis memory", said, cure)
    if used >= limit * FULL_AT / 2:
        return warning("Redis memory", said, f"from {FULL_AT:.0%} on receivers answer 503")
    return good("Redis memory", said)


def _replication(server: Server) -> Check:
    if "role" not in server.told:
        return warning("replication", "it does not tell")
    if server.told["role"] != "master":
        return wrong("replication", "REDIS_URL leads to a replica", "let it lead to the primary, or promote this one")
    replicas = int(server.told.get("connected_slaves", 0))
    if not replicas:
        return good("replication", "no replica: its own disk has the only copy")
    least = (server.config or {}).get("min-replicas-to-write")
    if least == "0":
        said = f"{replicas} connected; a failover may lose what was answered just before"
        return warning("replication", said, "CONFIG SET min-replicas-to-write 1, and the same in its configuration")
    return good("replication", f"{replicas} connected" + (f", at least {least} to write" if least else ""))


def _errors(server: Server) -> Check:
    named = {
        "aof_last_write_status": "its last write to the append-only file failed",
        "aof_last_bgrewrite_status": "its last rewriting of the append-only file failed",
        "rdb_last_bgsave_status": "its last snapshot failed",
    }
    found = [said for name, said in named.items() if server.told.get(name, "ok") != "ok"]
    if server.told.get("loading"):
        found.append("it is loading its data")
    if found:
        return wrong("Redis disk", "; ".join(found), "look at its log and its disk: full, broken, or not its to write?")
    return good("Redis disk", "no failure")
