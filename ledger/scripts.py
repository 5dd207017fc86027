"""The ledger's Lua scripts and their hashes."""

import hashlib
from dataclasses import dataclass
from importlib.resources import files


@dataclass(frozen=True, slots=True)
class Script:
    """A script's text and its SHA-1, for EVALSHA."""

    text: str
    sha: str

    @classmethod
    def named(cls, name: str) -> "Script":
        """The script in `ledger/lua/<name>.lua`."""
        text = files("ledger").joinpath("lua", f"{name}.lua").read_text("utf-8")
        return cls(text, hashlib.sha1(text.encode(), usedforsecurity=False).hexdigest())


ACCEPT = Script.named("accept")
TAKE = Script.named("take")
BEGIN = Script.named("begin")
RELEASE = Script.named("release")
SETTLE = Script.named("settle")
READ = Script.named("read")
OVERDUE = Script.named("overdue")
PROBE = Script.named("probe")
VERIFICATION = Script.named("verification")
