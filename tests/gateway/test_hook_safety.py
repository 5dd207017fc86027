"""Reconciling may never cost deliveries: what works stays until what replaces it is proven to work."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine

from gateway.hook_state import HookStates
from ledger.client import Ledger
from ledger.receivers import living as living_receivers
from tests.emulator.emulator_process import Emulator
from tests.gateway.hook_runs import (
    HERE,
    NEWER,
    PUBLIC,
    TOKEN,
    Front,
    Start,
    apply,
    delivered,
    front,
    living,
    registered,
)

BOTH = f"{NEWER}, {TOKEN}"
NEW_HERE = f"{PUBLIC}/hooks/{NEWER}"


@pytest.fixture
def dialect() -> str:
    """The database only keeps a journal here; one kind is enough."""
    return "sqlite"


@pytest.fixture
def proxy() -> Iterator[Front]:
    with front() as answers:
        yield answers


def urls(emulator: Emulator) -> list[str]:
    return [url for url, *_ in registered(emulator)]


def codes(ledger: Ledger, watching: Start, **told: Any) -> list[str]:
    with watching(**told) as run:
        return [hold.code for hold in run.compare().holds]


def test_a_hook_that_works_outlives_every_grace(watching: Start, emulator: Emulator, ledger: Ledger, redis_url: str):
    """The old token delivers and the new one does not, as behind a proxy that passes only the old path: both stay."""
    apply(watching)
    living(redis_url, "one", NEWER, TOKEN)
    grace_over = {"seven_hook_token": BOTH, "seven_hooks_grace_s": 0}
    apply(watching, **grace_over)
    delivered(ledger, TOKEN)
    done = apply(watching, **grace_over)
    assert "the old hook delivers, the new one does not" in str(done.held)
    assert codes(ledger, watching, **grace_over) == ["old_delivers"]
    assert urls(emulator) == [NEW_HERE, HERE]
    delivered(ledger, NEWER)
    assert [one.action for one in apply(watching, **grace_over).done] == ["removed"]
    assert urls(emulator) == [NEW_HERE]


def test_a_new_token_that_ceased_to_deliver_does_not_replace_the_old(
    watching: Start, emulator: Emulator, ledger: Ledger, redis_url: str
):
    """A delivery long ago proves nothing where the old hook has gone on delivering since."""
    apply(watching)
    living(redis_url, "one", NEWER, TOKEN)
    apply(watching, seven_hook_token=BOTH)
    delivered(ledger, NEWER)
    delivered(ledger, TOKEN, at_ms=HookStates(ledger.redis).now_ms() + 600_000)
    apply(watching, seven_hook_token=BOTH)
    assert urls(emulator) == [NEW_HERE, HERE]


def test_a_delivery_from_the_future_proves_nothing(watching: Start, emulator: Emulator, ledger: Ledger, redis_url: str):
    """Redis' clock was ahead when it was noted: nobody knows when it came."""
    apply(watching)
    living(redis_url, "one", NEWER, TOKEN)
    apply(watching, seven_hook_token=BOTH)
    delivered(ledger, NEWER, at_ms=HookStates(ledger.redis).now_ms() + 3_600_000)
    apply(watching, seven_hook_token=BOTH)
    assert urls(emulator) == [NEW_HERE, HERE]


def test_hooks_wait_for_the_last_receiver(watching: Start, emulator: Emulator, redis_url: str):
    """A token that some living receiver does not accept gets no hook, nor does what it would replace go."""
    apply(watching)
    living(redis_url, "restarted", NEWER, TOKEN)
    living(redis_url, "not yet restarted", TOKEN)
    done = apply(watching, seven_hook_token=BOTH)
    assert done.done == ()
    assert urls(emulator) == [HERE]
    living(redis_url, "not yet restarted", NEWER, TOKEN)
    assert [one.action for one in apply(watching, seven_hook_token=BOTH).done] == ["created"]
    assert urls(emulator) == [NEW_HERE, HERE]


def test_it_is_said_which_receivers_have_to_be_restarted(watching: Start, ledger: Ledger, redis_url: str):
    """Nothing drifts meanwhile, and still somebody has to act: plan, status and metric say so."""
    apply(watching)
    living(redis_url, "one", TOKEN)
    apply(watching, seven_hook_token=BOTH)
    assert codes(ledger, watching, seven_hook_token=BOTH) == ["unknown_token"]
    with watching(seven_hook_token=BOTH) as run:
        (hold,) = run.compare().holds
    assert hold.text == "1 of 1 receivers do not accept the current SEVEN_HOOK_TOKEN; restart them with it"


def test_a_first_hook_is_made_on_a_token_that_receivers_accept(watching: Start, emulator: Emulator, redis_url: str):
    """From the first apply on there is a hook that works, if need be by the older token."""
    living(redis_url, "one", TOKEN)
    apply(watching, seven_hook_token=BOTH)
    assert urls(emulator) == [HERE]


def test_an_entry_of_another_version_accepts_no_token(watching: Start, emulator: Emulator, ledger: Ledger):
    """A receiver that does not say what it accepts may refuse everything: nothing is changed."""
    apply(watching)
    ledger.redis.sadd("seven:receivers", "older")
    ledger.redis.set("seven:receiver:older", '{"since": 7}', ex=60)
    done = apply(watching, seven_hook_token=BOTH)
    assert (done.done, urls(emulator)) == ((), [HERE])
    ledger.redis.delete("seven:receiver:older")
    assert living_receivers(ledger.redis) == []
    assert ledger.redis.scard("seven:receivers") == 0


@pytest.mark.parametrize("apart", [timedelta(days=1200), timedelta(minutes=10)])
@pytest.mark.parametrize("way", [1, -1], ids=["ahead", "behind"])
def test_a_grace_is_over_by_two_clocks(
    watching: Start, emulator: Emulator, ledger: Ledger, proxy: Front, redis_url: str, apart: timedelta, way: int
):
    """Redis' clock and ours apart, it is not known how long it has lasted: a hook that would go stays."""
    told: dict[str, Any] = {"seven_public_url": f"{proxy.url}/in"}
    proxy.passes = lambda prefix, token: token in (NEWER, TOKEN)
    apply(watching, **told)
    living(redis_url, "one", NEWER, TOKEN)
    told |= {"seven_hook_token": BOTH}
    apply(watching, **told)
    told |= {"seven_hooks_grace_s": 0}
    with time_machine.travel(datetime.now(UTC) + way * apart, tick=True):
        assert apply(watching, **told).done == ()
        assert codes(ledger, watching, **told) == ["clocks_differ"]
        assert len(urls(emulator)) == 2
    assert [one.action for one in apply(watching, **told).done] == ["removed"]


def test_a_silent_account_changes_tokens_after_the_grace(
    watching: Start, emulator: Emulator, proxy: Front, redis_url: str
):
    """Where nothing is delivered the new address has to answer us, and the grace to be over."""
    told = {"seven_public_url": f"{proxy.url}/in"}
    apply(watching, **told)
    living(redis_url, "one", NEWER, TOKEN)
    told |= {"seven_hook_token": BOTH}
    proxy.passes = lambda prefix, token: token == TOKEN  # its path for the new token is missing
    apply(watching, **told, seven_hooks_grace_s=0)
    assert len(emulator.hooks()) == 2
    proxy.passes = lambda prefix, token: token in (NEWER, TOKEN)
    apply(watching, **told)
    assert len(emulator.hooks()) == 2
    apply(watching, **told, seven_hooks_grace_s=0)
    assert urls(emulator) == [f"{proxy.url}/in/hooks/{NEWER}"]


def test_a_mistyped_url_takes_nothing_away(watching: Start, emulator: Emulator, ledger: Ledger, redis_url: str):
    """A new public URL proves itself like a token; until then what is registered stays."""
    apply(watching)
    living(redis_url, "one", TOKEN)
    typo = {"seven_public_url": f"https://x.exmaple/in, {PUBLIC}", "seven_hooks_grace_s": 0}
    for _ in range(3):
        apply(watching, **typo)
    assert urls(emulator) == [HERE, f"https://x.exmaple/in/hooks/{TOKEN}"]
    delivered(ledger, TOKEN, PUBLIC)
    assert codes(ledger, watching, **typo) == ["old_delivers"]


def test_a_new_url_waits_for_the_last_receiver(watching: Start, emulator: Emulator, proxy: Front, redis_url: str):
    """A receiver that does not list it may answer 404 below its path, and doubt what is signed for it."""
    apply(watching)
    new = f"{proxy.url}/new"
    proxy.passes = lambda prefix, token: (prefix, token) == ("new", TOKEN)
    changed = {"seven_public_url": f"{new}, {PUBLIC}"}
    living(redis_url, "restarted", TOKEN, urls=[new, PUBLIC])
    living(redis_url, "not yet restarted", TOKEN, urls=[PUBLIC.replace("https://x", "HTTPS://X")])
    done = apply(watching, **changed)
    assert (done.done, urls(emulator)) == ((), [HERE])
    assert done.held == "1 of 2 receivers do not accept the current SEVEN_PUBLIC_URL; restart them with it"
    living(redis_url, "not yet restarted", TOKEN, urls=[new, PUBLIC])
    assert [change.action for change in apply(watching, **changed).done] == ["created", "removed"]


def test_hooks_keep_what_they_have_while_no_receiver_lives(watching: Start, emulator: Emulator, ledger: Ledger):
    """As right after a clock of Redis' that jumped: all entries have expired, and all receivers live."""
    apply(watching)
    changed = {"seven_hook_token": BOTH, "seven_public_url": f"https://new.example, {PUBLIC}"}
    assert (apply(watching, **changed).done, urls(emulator)) == ((), [HERE])
    assert codes(ledger, watching, **changed) == ["unknown_token", "unknown_url"]


@pytest.mark.parametrize("proof", ["a signed delivery", "it answers"])
def test_a_new_url_proves_itself(
    watching: Start, emulator: Emulator, ledger: Ledger, proxy: Front, redis_url: str, proof: str
):
    """By a delivery whose signature names it, or by answering us as a receiver of ours does."""
    apply(watching)
    living(redis_url, "one", TOKEN)
    new = f"{proxy.url}/new"
    proxy.passes = lambda prefix, token: False
    told = {"seven_public_url": f"{new}, {PUBLIC}"}
    apply(watching, **told)
    delivered(ledger, TOKEN)  # by whichever of the two: it proves neither
    apply(watching, **told)
    assert len(emulator.hooks()) == 2
    if proof == "it answers":
        proxy.passes = lambda prefix, token: (prefix, token) == ("new", TOKEN)
    else:
        delivered(ledger, TOKEN, new)
    assert [one.action for one in apply(watching, **told).done] == ["removed"]
    assert urls(emulator) == [f"{new}/hooks/{TOKEN}"]


FILTERED = "[[hook]]\nevent_type = 'sms_mo'\nevent_filter = '4915126716517'\n"


@pytest.mark.parametrize(
    ("odd", "made", "named"),
    [
        pytest.param({"respell": ["host"]}, 1, None, id="host in capitals"),
        pytest.param({"respell": ["port"]}, 1, None, id="default port"),
        pytest.param({"respell": ["event_type"]}, 1, "event type", id="event type"),
        pytest.param({"respell": ["event_filter"]}, 1, "filter", id="filter"),
        pytest.param({"page": 0}, 1, "not listed", id="a list cut by pages"),
    ],
)
def test_no_spelling_makes_more_hooks(
    watching: Start, emulator: Emulator, odd: dict[str, Any], made: int, named: str | None
):
    """However the gateway lists a hook, it is made once; and what is listed otherwise is named."""
    emulator.client.put(f"{emulator.url}/faults", json=odd).raise_for_status()
    for _ in range(5):
        done = apply(watching, seven_hooks=FILTERED)
    assert len(emulator.hooks()) == made
    assert (done.held is None) if named is None else (named in str(done.held))


def test_what_was_never_listed_is_made_again_for_a_person_only(watching: Start, emulator: Emulator):
    """However long ago it was made: it may be what delivers. Who has looked into the account may say that it is gone."""
    emulator.client.put(f"{emulator.url}/faults", json={"page": 0}).raise_for_status()
    apply(watching)
    with time_machine.travel(datetime.now(UTC) + timedelta(days=3), tick=True):
        assert "is not listed" in str(apply(watching).held)
    assert len(emulator.hooks()) == 1
    with watching(again=True) as run:
        assert [change.action for change in run.run(apply=True).done] == ["created"]
    assert len(emulator.hooks()) == 2


def test_what_hides_and_comes_back_does_not_pile_up(watching: Start, emulator: Emulator):
    """A hook that was listed once and then is not is made again, and goes once it is seen beside the other."""
    apply(watching)
    for _ in range(6):
        emulator.subscribe(target_url="https://other.example/")
        emulator.client.put(f"{emulator.url}/faults", json={"page": 0}).raise_for_status()
        apply(watching)
        apply(watching)
        emulator.client.delete(f"{emulator.url}/faults")
        apply(watching)
    ours = [url for url in urls(emulator) if url == HERE]
    assert 1 <= len(ours) <= 2
