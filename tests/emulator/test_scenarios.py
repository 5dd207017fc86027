"""Stories: what happens, and in which order it is told."""

from collections import Counter, defaultdict
from datetime import UTC, datetime, timedelta

import pytest

from emulator.scenarios import deliveries, scenario
from emulator.seeds import IDS, SEEDS, Seed
from emulator.vendor_event import VendorEvent, wall_clock
from seven.events import EVENT_TYPES
from seven.events.dlr import STATUSES
from seven.events.voice_status import STATUSES as CALL_STATUSES

NOW = datetime(2026, 6, 3, tzinfo=UTC)


def told(event_type: str, occurrences: list[VendorEvent]) -> list[VendorEvent]:
    return [one for one in occurrences if one.event_type == event_type]


def names(occurrences: list[VendorEvent]) -> set[tuple[str, str]]:
    """Everything that names a record: ids, short URLs, and callers with their second where an id is 0."""
    named = set()
    for one in occurrences:
        fields = one.fields
        for name in ("msg_id", "sms_id", "id", "tracking_url", "foreign_id"):
            if fields.get(name):
                named.add((f"{one.event_type} {name}", str(fields[name])))
        if fields.get("id") == 0:
            named.add((one.event_type, f"{fields['caller']} {fields['time']}"))
    return named


def test_the_same_seed_tells_the_same_story():
    """A story follows from its seed, its length and its time, and so does the order of its deliveries."""
    once, again = scenario(7, now=NOW, messages=100), scenario(7, now=NOW, messages=100)

    assert once == again
    assert deliveries(once, seed=3, duplicates=0.3, shuffle=True) == deliveries(
        again, seed=3, duplicates=0.3, shuffle=True
    )
    assert deliveries(once, seed=3, shuffle=True) != deliveries(once, seed=4, shuffle=True)


def test_a_longer_story_begins_like_a_short_one():
    """What happens to a message does not depend on how many follow."""
    short, long = scenario(7, now=NOW, messages=40), scenario(7, now=NOW, messages=200)

    assert all(one in long for one in short)


def test_stories_of_different_seeds_share_no_record():
    """Two stories can be told to one receiver, and neither changes what is kept of the other."""
    seen: set[tuple[str, str]] = set()
    for seed in (0, 1, 2, 76_999, 77_000, SEEDS - 1):
        named = names(scenario(seed, now=NOW, messages=60))
        assert not named & seen
        seen |= named


def test_each_seed_has_a_million_ids_of_a_kind():
    """The last id of one seed comes before the first of the next."""
    assert Seed(1).id(77, IDS - 1) + 1 == Seed(2).id(77, 0)


def test_every_event_type_happens_in_a_story_of_usual_length():
    """Forty messages tell of everything that we understand."""
    assert {one.event_type for one in scenario(1, now=NOW)} == set(EVENT_TYPES)


@pytest.mark.parametrize("seed", [0, 1, 99])
def test_every_message_comes_to_one_end(seed):
    """A message's statuses are told in the order of their ranks, the last and only the last of them final."""
    lives = defaultdict(list)
    for one in told("dlr", scenario(seed, now=NOW, messages=60)):
        lives[one.fields["msg_id"]].append(one.fields["status"])

    assert len(lives) == 60
    for life in lives.values():
        assert [STATUSES.is_final(status) for status in life] == [False] * (len(life) - 1) + [True]
        assert sorted(life, key=STATUSES.rank) == life
        assert life[0] == "ACCEPTED"
    ends = Counter(life[-1] for life in lives.values())
    assert ends == {"DELIVERED": 48, "NOTDELIVERED": 3, "EXPIRED": 3, "REJECTED": 3, "FAILED": 3}


def test_calls_that_we_place_end_as_calls_do():
    """A completed call has a duration and a price; any other has none."""
    calls = defaultdict(list)
    for one in told("voice_status", scenario(1, now=NOW, messages=200)):
        calls[one.fields["id"]].append(one.fields)

    ends = {call[-1]["status"] for call in calls.values()}
    assert ends == {"completed", "no-answer", "busy", "failed"}
    for call in calls.values():
        assert [CALL_STATUSES.is_final(one["status"]) for one in call] == [False] * (len(call) - 1) + [True]
        assert [one["duration"] is not None for one in call] == [one["status"] == "completed" for one in call]


def test_some_calls_come_in_without_an_id():
    """As in a capture of a real call: the id is 0, and caller, number and second have to do."""
    calls = [one.fields for one in told("voice_call", scenario(1, now=NOW, messages=200))]

    assert 0 < sum(call["id"] == 0 for call in calls) < len(calls)
    assert len({(call["caller"], call["time"]) for call in calls}) == len(calls)


def test_totals_are_cumulative():
    """Each click or view of a link adds one to its total, and leaves the other as it was."""
    links = defaultdict(list)
    for one in told("tracking", scenario(1, now=NOW, messages=200)):
        links[one.fields["tracking_url"]].append(one.fields)

    assert any(len(activity) > 3 for activity in links.values())
    for activity in links.values():
        assert len({one["sms_id"] for one in activity}) == 1
        counted: Counter[str] = Counter()
        for one in activity:
            counted[one["type"]] += 1
            assert (one["total_clicks"], int(one["total_views"])) == (counted["click"], counted["view"])


def test_only_those_who_got_the_message_do_something_with_it():
    """Replies aside, which name no message, nobody views a link that never reached them."""
    occurrences = scenario(1, now=NOW, messages=200)
    delivered_at = {
        one.fields["msg_id"]: one.told_at for one in told("dlr", occurrences) if one.fields["status"] == "DELIVERED"
    }

    assert all(one.told_at > delivered_at[one.fields["sms_id"]] for one in told("tracking", occurrences))


def test_types_are_mixed_as_the_vendor_mixes_them():
    """Numbers come as strings and strings as numbers, and a label may be null."""
    occurrences = scenario(1, now=NOW, messages=200)

    assert {type(one.fields["id"]) for one in told("sms_mo", occurrences)} == {str, int}
    assert {type(one.fields["id"]) for one in told("voice_status", occurrences)} == {str, int}
    assert {type(one.fields["id"]) for one in told("voice_call", occurrences)} == {int}
    tracked = told("tracking", occurrences)
    assert {(type(one.fields["total_clicks"]), type(one.fields["total_views"])) for one in tracked} == {(int, str)}
    assert {type(one.fields["sms_label"]) for one in tracked} == {str, type(None)}


@pytest.mark.parametrize("messages", [0, 1, 39, 500])
def test_a_story_lies_in_the_three_days_before_its_end(messages):
    """No receiver has to believe a time of tomorrow, EXPIRED two days after the sending included."""
    occurrences = scenario(5, now=NOW, messages=messages)

    assert all(NOW - timedelta(days=3) <= one.told_at <= NOW for one in occurrences)
    assert [one.told_at for one in occurrences] == sorted(one.told_at for one in occurrences)
    assert len({one.fields["msg_id"] for one in told("dlr", occurrences)}) == messages


def test_expired_comes_two_days_after_the_sending():
    """The vendor's default time to live is 48 h."""
    sent_at, expired_at = {}, {}
    for one in told("dlr", scenario(1, now=NOW, messages=200)):
        sent_at.setdefault(one.fields["msg_id"], one.told_at)
        if one.fields["status"] == "EXPIRED":
            expired_at[one.fields["msg_id"]] = one.told_at

    assert len(expired_at) == 10
    for msg_id, at in expired_at.items():
        assert timedelta(hours=47, minutes=59) < at - sent_at[msg_id] < timedelta(hours=48, minutes=2)


def test_berlin_tells_the_time():
    """A status report carries Berlin's wall clock without offset, the envelope Berlin's with it."""
    summer = datetime(2021, 8, 24, 6, 8, tzinfo=UTC)
    twice = [datetime(2026, 10, 25, hour, 30, tzinfo=UTC) for hour in (0, 1)]

    assert wall_clock(summer) == "2021-08-24 08:08:00.000000"
    assert VendorEvent("dlr", {}, summer).webhook_timestamp == "2021-08-24T08:08:00+02:00"
    assert wall_clock(twice[0]) == wall_clock(twice[1]) == "2026-10-25 02:30:00.000000"


def test_repeats_are_counted_and_close():
    """The exact share of occurrences comes twice, soon after the first time, with every word the same."""
    occurrences = scenario(1, now=NOW, messages=200)
    tellings = deliveries(occurrences, seed=5, duplicates=0.2)

    assert len(tellings) == len(occurrences) + round(0.2 * len(occurrences))
    places = defaultdict(list)
    for place, telling in enumerate(tellings):
        places[occurrences.index(telling.occurrence)].append(place)
    assert {len(where) for where in places.values()} == {1, 2}
    assert all(where[-1] - where[0] <= 50 for where in places.values())
    assert list(places) == sorted(places), "first tellings keep their order"


def test_shuffled_means_any_order():
    """The same deliveries, each as often, and not in the order in which things happened."""
    occurrences = scenario(1, now=NOW)

    for duplicates, times in ((0.0, 1), (1.0, 2)):
        tellings = deliveries(occurrences, seed=5, duplicates=duplicates, shuffle=True)
        order = [occurrences.index(telling.occurrence) for telling in tellings]
        assert Counter(order) == dict.fromkeys(range(len(occurrences)), times)
        moved = [abs(place // times - where) for place, where in enumerate(order)]
        assert sum(moved) / len(moved) > len(occurrences) / 5


@pytest.mark.parametrize(
    "wrong",
    [
        pytest.param(lambda: scenario(-1, now=NOW), id="seed below 0"),
        pytest.param(lambda: scenario(SEEDS, now=NOW), id="seed too great"),
        pytest.param(lambda: scenario(1, now=NOW.replace(tzinfo=None)), id="naive time"),
        pytest.param(lambda: scenario(1, now=NOW, messages=-1), id="messages below 0"),
        pytest.param(lambda: deliveries([], duplicates=1.1), id="more duplicates than deliveries"),
        pytest.param(lambda: deliveries([], methods=()), id="no method"),
        pytest.param(lambda: deliveries([], layouts=()), id="no layout"),
        pytest.param(lambda: Seed(1).id(0, IDS), id="beyond the seed's ids"),
    ],
)
def test_what_makes_no_story_is_refused(wrong):
    """Nothing is told rather than something else than was asked for."""
    with pytest.raises(ValueError, match=r"seed|story|share"):
        wrong()
