"""Reactions: who is notified of what changed, what waits for them, and the commands that help where one is hindered."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from sqlalchemy import Connection
from starlette.responses import Response

from console.database import LONGEST_S, Away
from console.page import Page, Visit
from operations.masking import masked_digests, masked_subject, masked_words
from operations.reaction_states import ReactionState, Waiting, reaction_states, waiting_changes
from seven.topics import LINKS
from store.subscriptions import PAUSED
from store.timed_transactions import database_time

MOST_SHOWN = 20
FATES = ("sent", "superseded", "filtered", "stale", "expired", "skipped")


@dataclass(frozen=True, slots=True)
class SubscriberView:
    """One subscriber as the page shows it."""

    state: ReactionState
    following: list[Waiting]
    """What it is sent next."""
    settled: Mapping[str, int] | None
    """What became of the changes of the last days; None if they could not be counted in time."""

    @property
    def grade(self) -> str:
        """The colour it stands in."""
        if self.state.subscription.state == PAUSED:
            return "warning"
        return "bad" if self.state.subscription.failing_since else "good"

    @property
    def commands(self) -> list[tuple[str, str]]:
        """What can be done about it, and how."""
        name, is_paused = self.state.name, self.state.subscription.state == PAUSED
        commands = [("Send again", "resume")] if is_paused else [("Send nothing for now", "pause")]
        if self.state.backlog.failing or (self.settled or {}).get("expired"):
            commands.append(("Try again at once", "retry"))
        return [(title, f"seven-ingest reactions {verb} {name}") for title, verb in commands]


async def show(visit: Visit) -> Response:
    """Every subscriber. What was sent in the last days is shown if it can be counted in time."""
    subscribers = await visit.read(lambda connection: _read(connection, sees_texts=visit.viewer.sees_texts))
    visit.services.subscribes = bool(subscribers)
    settled = await _settled(visit) if subscribers else {}
    views = [
        SubscriberView(state, following, None if settled is None else settled.get(state.name, {}))
        for state, following in subscribers
    ]
    return visit.render("reactions.html", views=views, fates=FATES, most_shown=MOST_SHOWN)


def _read(connection: Connection, *, sees_texts: bool) -> list[tuple[ReactionState, list[Waiting]]]:
    now = database_time(connection)
    subscribers = []
    for state in reaction_states(connection, now, counts_settled=False, longest_s=LONGEST_S):
        following = waiting_changes(connection, state.name, MOST_SHOWN, LONGEST_S) if state.backlog.waiting else []
        subscribers.append((state, following if sees_texts else list(map(_masked, following))))
    return subscribers


def _masked(waiting: Waiting) -> Waiting:
    """Without the short URL of a link, which is its recipient's own, and without digests of numbers."""
    key = masked_subject(waiting.key) if waiting.topic in LINKS.values() else masked_digests(waiting.key)
    return replace(waiting, key=key, now=masked_words(waiting.now))


async def _settled(visit: Visit) -> Mapping[str, Mapping[str, int]] | None:
    """What became of the changes of the last days, by subscriber; None if that took too long."""

    def work(connection: Connection) -> Mapping[str, Mapping[str, int]]:
        states = reaction_states(connection, database_time(connection), longest_s=LONGEST_S)
        return {state.name: state.settled for state in states}

    try:
        return await visit.read(work)
    except Away:
        return None


PAGES = (Page("/reactions", "Reactions", show),)
