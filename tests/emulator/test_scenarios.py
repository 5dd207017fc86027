"""Scenarios: their events, and the planned deliveries."""

from collections import Counter, defaultdict
from datetime import UTC, datetime, timedelta

import pytest

from emulator.scenarios import plan_deliveries, scenario
from emulator.seeds import IDS, SEEDS, Seed
from emulator.vendor_event import VendorEvent, wall_clock
from seven.call_reports import STATUSES as CALL_STATUSES
from seven.events import EVENT_TYPES
from seven.message_reports import STATUSES

NOW = datetime(2026, 6, 3, tzinfo=UTC)


def of_type(event_type: str, events: list[VendorEvent]) -> list[VendorEvent]:
    return [event for event in events if event.event_type == event_type]


SPACES = {"dlr msg_id": "sent", "rcs msg_id": "sent", "sms_mo id": "inbound", "rcs id": "inbound"}
"""Ids of SMS and of RCS are of one space, by direction."""


def names(events: list[VendorEvent]) -> set[tuple[str, str]]:
    """Everything that identifies a record: ids, short URLs, and caller with time where the id is 0."""
    named = set()
    for event in events:
        fields = event.fields
        for name in ("msg_id", "sms_id", "id", "tracking_url", "foreign_id"):
            if fields.get(name):
                kind = f"{event.event_type} {name}"
                named.add((SPACES.get(kind, kind), str(fields[name])))
        if fields.get("id") == 0:
            named.add((event.event_type, f"{fields['caller']} {fields['time']}"))
    return named


def test_the_same_seed_gives_the_same_scenario():
    """Seed, length and time determine the events, and the seed the order of deliveries."""
    first, second = scenario(7, now=NOW, messages=100), scenario(7, now=NOW, messages=100)

    assert first == second
    assert plan_deliveries(first, seed=3, duplicates=0.3, shuffle=True) == plan_deliveries(
        second, seed=3, duplicates=0.3, shuffle=True
    )
    assert plan_deliveries(first, seed=3, shuffle=True) != plan_deliveries(first, seed=4, shuffle=True)


def test_a_longer_scenario_contains_a_shorter_one():
    """A message's events do not depend on the number of messages."""
    short, long = scenario(7, now=NOW, messages=40), scenario(7, now=NOW, messages=200)

    assert all(event in long for event in short)


def test_scenarios_of_different_seeds_share_no_record():
    """Two scenarios can be delivered to one receiver without changing each other's records."""
    seen: set[tuple[str, str]] = set()
    for seed in (0, 1, 2, 1000, 76_999, 77_000, SEEDS - 1):
        named = names(scenario(seed, now=NOW, messages=60))
        assert not named & seen
        seen |= named


def test_each_seed_has_a_million_ids_of_a_kind():
    """The last id of one seed directly precedes the first of the next."""
    assert Seed(1).id(77, IDS - 1) + 1 == Seed(2).id(77, 0)


def test_a_message_has_one_id_and_one_person():
    """No SMS has the id of an RCS message, and who replies is whom it was sent to."""
    events = scenario(1, now=NOW, messages=200)
    sms, rcs = ({event.fields.get("msg_id") for event in of_type(kind, events)} - {None} for kind in ("dlr", "rcs"))
    recipients = {event.sent.recipient for event in of_type("dlr", events) if event.sent is not None}

    assert not sms & rcs
    assert {event.fields["sender"] for event in of_type("sms_mo", events)} <= recipients


def test_a_default_scenario_has_every_event_type():
    """Forty messages are enough for all known event types."""
    assert {event.event_type for event in scenario(1, now=NOW)} == set(EVENT_TYPES)


@pytest.mark.parametrize("seed", [0, 1, 99])
def test_every_message_reaches_one_final_status(seed):
    """A message's statuses come in order of rank, and only the last one is final."""
    statuses_by_message = defaultdict(list)
    for event in of_type("dlr", scenario(seed, now=NOW, messages=60)):
        statuses_by_message[event.fields["msg_id"]].append(event.fields["status"])

    assert len(statuses_by_message) == 60
    for statuses in statuses_by_message.values():
        assert [STATUSES.is_final(status) for status in statuses] == [False] * (len(statuses) - 1) + [True]
        assert sorted(statuses, key=STATUSES.rank) == statuses
        assert statuses[0] == "ACCEPTED"
    ends = Counter(statuses[-1] for statuses in statuses_by_message.values())
    assert ends == {"DELIVERED": 48, "NOTDELIVERED": 3, "EXPIRED": 3, "REJECTED": 3, "FAILED": 3}


def test_outbound_calls_reach_a_final_status():
    """Only a completed call has a duration."""
    calls = defaultdict(list)
    for event in of_type("voice_status", scenario(1, now=NOW, messages=200)):
        calls[event.fields["id"]].append(event.fields)

    ends = {call[-1]["status"] for call in calls.values()}
    assert ends == {"completed", "no-answer", "busy", "failed"}
    for call in calls.values():
        assert [CALL_STATUSES.is_final(fields["status"]) for fields in call] == [False] * (len(call) - 1) + [True]
        assert [fields["duration"] is not None for fields in call] == [
            fields["status"] == "completed" for fields in call
        ]


def test_some_inbound_calls_have_no_id():
    """As in a capture of a real call: the id is 0, so caller, number and time identify the call."""
    calls = [event.fields for event in of_type("voice_call", scenario(1, now=NOW, messages=200))]

    assert 0 < sum(call["id"] == 0 for call in calls) < len(calls)
    assert len({(call["caller"], call["time"]) for call in calls}) == len(calls)


def test_totals_are_cumulative():
    """Each click or view of a link adds one to its total, and leaves the other unchanged."""
    links = defaultdict(list)
    for event in of_type("tracking", scenario(1, now=NOW, messages=200)):
        links[event.fields["tracking_url"]].append(event.fields)

    assert any(len(activity) > 3 for activity in links.values())
    for activity in links.values():
        assert len({fields["sms_id"] for fields in activity}) == 1
        counted: Counter[str] = Counter()
        for fields in activity:
            counted[fields["type"]] += 1
            assert (fields["total_clicks"], int(fields["total_views"])) == (counted["click"], counted["view"])


def test_only_delivered_messages_are_tracked():
    """Views and clicks follow the delivery of their message; replies name no message."""
    events = scenario(1, now=NOW, messages=200)
    delivered_at = {
        event.fields["msg_id"]: event.occurred_at
        for event in of_type("dlr", events)
        if event.fields["status"] == "DELIVERED"
    }

    assert all(event.occurred_at > delivered_at[event.fields["sms_id"]] for event in of_type("tracking", events))


def test_values_have_the_vendors_mixed_types():
    """Ids and totals are numbers or strings, and a label may be null."""
    events = scenario(1, now=NOW, messages=200)

    assert {type(event.fields["id"]) for event in of_type("sms_mo", events)} == {str, int}
    assert {type(event.fields["id"]) for event in of_type("voice_status", events)} == {str, int}
    assert {type(event.fields["id"]) for event in of_type("voice_call", events)} == {int}
    tracked = of_type("tracking", events)
    assert {(type(event.fields["total_clicks"]), type(event.fields["total_views"])) for event in tracked} == {
        (int, str)
    }
    assert {type(event.fields["sms_label"]) for event in tracked} == {str, type(None)}


@pytest.mark.parametrize("messages", [0, 1, 39, 500])
def test_a_scenario_lies_within_three_days(messages):
    """No time is in the future, not even that of EXPIRED two days after sending."""
    events = scenario(5, now=NOW, messages=messages)

    assert all(NOW - timedelta(days=3) <= event.occurred_at <= NOW for event in events)
    assert [event.occurred_at for event in events] == sorted(event.occurred_at for event in events)
    assert len({event.fields["msg_id"] for event in of_type("dlr", events)}) == messages


def test_expired_comes_two_days_after_sending():
    """The vendor's default time to live is 48 h."""
    sent_at, expired_at = {}, {}
    for event in of_type("dlr", scenario(1, now=NOW, messages=200)):
        sent_at.setdefault(event.fields["msg_id"], event.occurred_at)
        if event.fields["status"] == "EXPIRED":
            expired_at[event.fields["msg_id"]] = event.occurred_at

    assert len(expired_at) == 10
    for msg_id, at in expired_at.items():
        assert timedelta(hours=47, minutes=59) < at - sent_at[msg_id] < timedelta(hours=48, minutes=2)


def test_times_are_berlin_time():
    """A status report has Berlin wall time without offset, `webhook_timestamp` with offset."""
    summer = datetime(2021, 8, 24, 6, 8, tzinfo=UTC)
    ambiguous = [datetime(2026, 10, 25, hour, 30, tzinfo=UTC) for hour in (0, 1)]

    assert wall_clock(summer) == "2021-08-24 08:08:00.000000"
    assert VendorEvent("dlr", {}, summer).webhook_timestamp == "2021-08-24T08:08:00+02:00"
    assert wall_clock(ambiguous[0]) == wall_clock(ambiguous[1]) == "2026-10-25 02:30:00.000000"


def test_repeats_are_exact_and_close():
    """The exact share of events is delivered twice, the repeat soon after and identical."""
    events = scenario(1, now=NOW, messages=200)
    planned = plan_deliveries(events, seed=5, duplicates=0.2)

    assert len(planned) == len(events) + round(0.2 * len(events))
    places = defaultdict(list)
    for place, delivery in enumerate(planned):
        places[events.index(delivery.event)].append(place)
    assert {len(indexes) for indexes in places.values()} == {1, 2}
    assert all(indexes[-1] - indexes[0] <= 50 for indexes in places.values())
    assert list(places) == sorted(places), "first deliveries keep their order"


def test_shuffled_deliveries_have_a_random_order():
    """Shuffling keeps the deliveries and their number, and changes the order of the events."""
    events = scenario(1, now=NOW)

    for duplicates, times in ((0.0, 1), (1.0, 2)):
        planned = plan_deliveries(events, seed=5, duplicates=duplicates, shuffle=True)
        order = [events.index(delivery.event) for delivery in planned]
        assert Counter(order) == dict.fromkeys(range(len(events)), times)
        moved = [abs(place // times - index) for place, index in enumerate(order)]
        assert sum(moved) / len(moved) > len(events) / 5


@pytest.mark.parametrize(
    "wrong",
    [
        pytest.param(lambda: scenario(-1, now=NOW), id="seed below 0"),
        pytest.param(lambda: scenario(SEEDS, now=NOW), id="seed too large"),
        pytest.param(lambda: scenario(1, now=NOW.replace(tzinfo=None)), id="naive time"),
        pytest.param(lambda: scenario(1, now=NOW, messages=-1), id="messages below 0"),
        pytest.param(lambda: plan_deliveries([], duplicates=1.1), id="more duplicates than deliveries"),
        pytest.param(lambda: plan_deliveries([], methods=()), id="no method"),
        pytest.param(lambda: plan_deliveries([], layouts=()), id="no layout"),
        pytest.param(lambda: Seed(1).id(0, IDS), id="beyond the seed's ids"),
    ],
)
def test_invalid_scenarios_are_refused(wrong):
    """Invalid arguments raise an error instead of giving another scenario."""
    with pytest.raises(ValueError, match=r"seed|scenario|share"):
        wrong()
