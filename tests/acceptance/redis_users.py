"""The Redis users of deploy/redis/users.acl, on a server of a test."""

import re

from tests.processes import ROOT
from tests.servers import Valkey

FILE = ROOT / "deploy/redis/users.acl"
PASSWORD = "a-password-for-all"
USERS = dict(re.findall(r"^user (\w+) (on .*)$", FILE.read_text(), re.MULTILINE))
"""Rights by name."""


def allow(server: Valkey, user: str, without: str = "") -> str:
    """Create a user with the rights of the file, but for one; return its URL."""
    assert without in USERS[user]
    rights = re.findall(r"\([^)]*\)|\S+", USERS[user].replace(without, ""))
    with server.client() as client:
        client.execute_command("ACL", "SETUSER", user, "reset", f">{PASSWORD}", *rights)
    return f"redis://{user}:{PASSWORD}@127.0.0.1:{server.port}/0"


def denied(server: Valkey) -> list[str]:
    """What the server has denied so far, and to whom."""
    with server.client() as client:
        return [f"{entry['username']}: {entry['object']}" for entry in client.acl_log()]
