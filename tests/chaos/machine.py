"""The machine and the versions of a run."""

import os
import platform
import sqlite3
from importlib.metadata import version

import psycopg

from tests.chaos.cluster import Cluster


def machine() -> str:
    """Description of the machine, without its name."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1024**3
    return f"{os.cpu_count()} cores, {memory:.0f} GiB, {platform.system()} {platform.machine()}"


def versions(cluster: Cluster) -> dict[str, str]:
    """Of what a run consists of."""
    server_info = cluster.ledger.redis.info("server")
    numbers = {name: version(name) for name in ("celery", "kombu", "uvicorn", "redis", "sqlalchemy")}
    numbers["valkey"] = str(server_info.get("valkey_version", server_info["redis_version"]))
    if cluster.postgres:
        with psycopg.connect(cluster.postgres.url("postgres")) as connection:
            numbers["postgresql"] = str(connection.info.parameter_status("server_version"))
    else:
        numbers["sqlite"] = sqlite3.sqlite_version
    return {"python": platform.python_version(), **numbers}
