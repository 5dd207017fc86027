"""Reaction: what a subscriber wants to be notified of, and how it is reached."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

DAY_S = 86_400


@dataclass(frozen=True, slots=True)
class UrlTarget:
    """An HTTP address that each change is posted to."""

    url: str = field(repr=False)
    secret_file: Path
    allow_http: bool = False
    """Whether a public host may be reached without TLS."""
    allow_link_local: bool = False
    """Whether link-local and metadata addresses may be reached."""


@dataclass(frozen=True, slots=True)
class FunctionTarget:
    """A function of the user's that is called with each change, in a process of its own."""

    module: str
    function: str
    directory: str = "."
    """Where the module is looked for first: that of the file of reactions."""


@dataclass(frozen=True, slots=True)
class Reaction:
    """One subscriber."""

    name: str
    topics: frozenset[str]
    target: UrlTarget | FunctionTarget
    where: Mapping[str, frozenset[str]] = field(default_factory=dict)
    """Fields of the change's data, each with the values that it may have."""
    payload: bool = False
    """Whether the delivery's payload goes with it."""
    max_age_s: float = 3 * DAY_S
    """A change that is noted so long after its event is stale."""
    timeout_s: float = 15.0
    """How long one attempt may take."""
    concurrency: int = 2
    """Changes that are under way at a time."""
    heartbeat_s: float = 300.0
    """Seconds between two heartbeats, for the topic of that name."""
