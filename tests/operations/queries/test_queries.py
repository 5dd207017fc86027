"""Named queries: known rows have known answers, the same in both databases."""

from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import Engine

from operations.queries import COLUMN_TITLES, QUERIES, ParameterError, run
from store.row_writer import Store
from tests.operations.queries.known_rows import DAY, HOUR, NOW, OURS, PERSON, TODAY, YESTERDAY, rows, scheduled
from tests.shared_rows import SharedRows, no_rows

ANSWERS: dict[str, list[tuple[Any, ...]]] = {
    "deliveries_by_day": [
        ("day", "messages", "delivered", "failed", "pending", "unknown", "delivered_percent"),
        (YESTERDAY, 4, 2, 1, 0, 1, 50.0),
        (TODAY, 2, 1, 0, 1, 0, 50.0),
    ],
    "stuck": [
        ("msg_id", "foreign_id", "status", "status_at", "first_seen_at"),
        ("6", "order-6", "NEW", NOW - 30 * HOUR, NOW - 30 * HOUR),
    ],
    "failed_after_delivered": [
        ("msg_id", "foreign_id", "delivered_at", "status", "status_at"),
        ("3", "order-3", NOW - DAY + HOUR, "EXPIRED", NOW - HOUR),
    ],
    "time_to_delivery": [
        ("day", "messages", "median_s", "within_s_95_percent", "slowest_s"),
        (YESTERDAY, 3, 10.5, 3600.0, 3600.0),
    ],
    "sent_by_day": [
        ("day", "messages", "delivered", "failed", "delivered_percent", "clicked", "clicked_percent", "cost_eur"),
        (YESTERDAY, 3, 2, 1, 66.7, 2, 66.7, Decimal("0.23")),
        (TODAY, 1, 0, 0, 0.0, 0, 0.0, None),
    ],
    "sent_by_label": [
        ("label", "messages", "delivered", "failed", "delivered_percent", "clicked", "clicked_percent", "cost_eur"),
        ("spring", 2, 2, 0, 100.0, 2, 100.0, Decimal("0.15")),
        (None, 1, 0, 0, 0.0, 0, 0.0, None),
        ("autumn", 1, 0, 1, 0.0, 0, 0.0, Decimal("0.08")),
    ],
    "sent_by_network": [
        ("country", "network", "messages", "delivered", "failed", "delivered_percent", "cost_eur"),
        ("262", "26201", 2, 2, 0, 100.0, Decimal("0.15")),
        (None, None, 1, 0, 0, 0.0, None),
        ("262", "26203", 1, 0, 1, 0.0, Decimal("0.08")),
    ],
    "links_by_label": [
        ("label", "links", "clicked_links", "clicks", "views", "first_day", "last_day"),
        ("spring", 2, 2, 3, 3, YESTERDAY, TODAY),
        (None, 1, 0, 0, 1, TODAY, TODAY),
    ],
    "click_curve": [
        ("hour", "label", "clicks", "percent_so_far"),
        (0, "spring", 1, 33.3),
        (1, "spring", 1, 66.7),
        (26, "spring", 1, 100.0),
    ],
    "calls_by_day_and_caller": [
        ("day", "direction", "caller", "calls", "answered", "billed_minutes", "cost_eur"),
        (YESTERDAY, "inbound", f"00{PERSON}", 1, 0, 0, None),
        (YESTERDAY, "inbound", None, 1, 0, 0, None),
        (TODAY, "outbound", OURS, 2, 1, 2, Decimal("0.15")),
    ],
    "reads_by_day": [
        ("day", "delivered", "read", "read_percent"),
        (YESTERDAY, 2, 1, 50.0),
        (TODAY, 1, 1, 100.0),
    ],
    "inbound_numbers": [
        ("number", "messages", "calls", "people", "latest_at"),
        (OURS, 2, 0, 1, NOW),
        ("4930222", 1, 2, 2, NOW - DAY),
        ("bakery", 1, 0, 1, NOW - 2 * HOUR),
    ],
    "inbound_by_channel": [
        ("day", "channel", "messages", "people"),
        ("2026-03-27", "sms", 1, 1),
        (YESTERDAY, "sms", 1, 1),
        (TODAY, "rcs", 1, 1),
        (TODAY, "sms", 1, 1),
    ],
    "opt_outs_by_day": [
        ("day", "opted_out", "opted_in", "people"),
        (YESTERDAY, 1, 0, 1),
        (TODAY, 1, 1, 2),
    ],
    "person": [
        ("at", "kind", "your_number", "id", "content"),
        (NOW, "sent message", None, "9", "no report: Is it you?"),
        (NOW, "inbound SMS", OURS, "a", "yes"),
        (NOW - 2 * HOUR, "outbound call", OURS, "10", "completed, 61 s"),
        (NOW - 2 * HOUR, "inbound RCS", "bakery", "e", "rolls?"),
        (NOW - DAY, "sent message", None, "1", "DELIVERED"),
        (NOW - DAY, "inbound call", "4930222", "10", None),
        (NOW - DAY, "sent message", None, "2", "DELIVERED"),
        (NOW - DAY, "sent message", None, "3", "EXPIRED"),
        (NOW - DAY, "inbound SMS", OURS, "b", "STOP"),
        (NOW - 60 * DAY, "sent message", None, "old", "TRANSMITTED"),
    ],
    "webhooks_by_day": [
        ("day", "event_type", "webhooks", "applied", "parked", "quarantined", "dead", "discarded"),
        (YESTERDAY, "new_type", 1, 0, 1, 0, 0, 0),
        (TODAY, "dlr", 2, 2, 0, 0, 0, 0),
    ],
}
NEEDED = {"person": {"number": f"+{PERSON[:2]} {PERSON[2:]}"}}


def write_known_rows(engine: Engine) -> None:
    Store(engine).write(rows())


def write_scheduled(engine: Engine) -> None:
    Store(engine).write(scheduled())


@pytest.fixture
def known(dialect: str, shared_rows: SharedRows) -> Engine:
    """A database with the known rows."""
    return shared_rows.engine(dialect, write_known_rows)


def ask(engine: Engine, name: str, texts: dict[str, str]) -> list[tuple[Any, ...]]:
    query = QUERIES[name]
    with engine.connect().execution_options(snapshot=True, reads=True) as connection, connection.begin():
        answer = run(connection, query, query.values(texts, now=NOW))
        return [answer.columns, *map(tuple, answer.rows)]


@pytest.mark.parametrize("name", QUERIES)
def test_known_rows_have_a_known_answer(known: Engine, name: str):
    """Every named query, with its defaults, on both databases."""
    assert ask(known, name, NEEDED.get(name, {})) == ANSWERS[name]


@pytest.mark.parametrize("name", QUERIES)
def test_a_new_installation_has_an_empty_answer(dialect: str, shared_rows: SharedRows, name: str):
    """Without any row there is none, and no error."""
    engine = shared_rows.engine(dialect, no_rows)
    assert ask(engine, name, NEEDED.get(name, {})) == ANSWERS[name][:1]


def test_every_query_describes_itself():
    """Title, sentence, and columns that are masked or drawn are there; a query without a needed value has defaults."""
    for name, query in QUERIES.items():
        columns = ANSWERS[name][0]
        assert query.name == name
        assert query.sentence.endswith(".")
        assert not query.title.endswith(".")
        assert {*query.sensitive, *query.types, *query.plot} <= set(columns)
        assert not query.plot or columns[0] in ("day", "hour")
        assert query.values(NEEDED.get(name, {}))


def test_every_column_has_a_title():
    """For people: no unit is left as a letter, and no title is of a column that there is not."""
    assert {name for answer in ANSWERS.values() for name in answer[0]} == COLUMN_TITLES.keys()
    assert not [title for title in COLUMN_TITLES.values() if "_" in title or title.endswith((" s", " eur"))]


@pytest.mark.parametrize(
    ("name", "texts", "answer"),
    [
        pytest.param("deliveries_by_day", {"days": "1"}, ANSWERS["deliveries_by_day"][2:], id="today alone"),
        pytest.param("stuck", {"hours": "1"}, [("4", NOW - HOUR), ("6", NOW - 30 * HOUR)], id="an hour is enough"),
        pytest.param("stuck", {"days": "365"}, [("6", NOW - 30 * HOUR), ("old", NOW - 60 * DAY)], id="a year back"),
        pytest.param("click_curve", {"label": "autumn"}, [], id="a label without clicks one by one"),
        pytest.param("click_curve", {"hours": "1"}, [(0, "spring", 1, 33.3)], id="the first hour"),
        pytest.param("person", {"number": "49172" + "0" * 6}, [], id="another number"),
    ],
)
def test_parameters_choose(known: Engine, name: str, texts: dict[str, str], answer: list[tuple[Any, ...]]):
    """A value replaces the default of its parameter."""
    assert [(row[0], row[3]) if name == "stuck" else row for row in ask(known, name, texts)[1:]] == answer


@pytest.mark.parametrize(
    ("name", "answer"),
    [
        ("sent_by_day", (TODAY, 1, 1, 0, 100.0, 0, 0.0, Decimal("0.075"))),
        ("sent_by_label", ("spring", 1, 1, 0, 100.0, 0, 0.0, Decimal("0.075"))),
        ("sent_by_network", ("262", "26201", 1, 1, 0, 100.0, Decimal("0.075"))),
    ],
)
def test_a_scheduled_message_counts_once_it_is_sent(
    dialect: str, shared_rows: SharedRows, name: str, answer: tuple[Any, ...]
):
    """Not before its time; then as it stands, however long before that the gateway accepted it."""
    engine = shared_rows.engine(dialect, write_scheduled)
    assert [ask(engine, name, {"days": days})[1:] for days in ("1", "30")] == [[answer], [answer]]


@pytest.mark.parametrize(
    ("name", "texts", "sentence"),
    [
        pytest.param("stuck", {"hours": "-1"}, "hours: a whole number from 1 to 10000", id="negative"),
        pytest.param("stuck", {"hours": "١٢"}, "hours: a whole number", id="digits of another script"),
        pytest.param("stuck", {"days": "9" * 50}, "days: a whole number from 1 to 3650", id="a day before all days"),
        pytest.param("stuck", {"days": " "}, "days: a value is needed", id="blank"),
        pytest.param("stuck", {"label": "x"}, "stuck has no parameter 'label'; it has hours, days", id="of another"),
        pytest.param("person", {}, "number: a value is needed: a phone number", id="missing"),
        pytest.param("person", {"number": "Anna"}, "number: a phone number", id="a name"),
    ],
)
def test_a_value_without_sense_is_refused(name: str, texts: dict[str, str], sentence: str):
    """A sentence says what is expected, and repeats no value."""
    with pytest.raises(ValueError, match=sentence):
        QUERIES[name].values(texts)


def test_a_form_hears_of_the_field_by_its_label():
    """Not by the name that a command line has for it."""
    with pytest.raises(ParameterError) as refused:
        QUERIES["stuck"].values({"hours": "x"})
    sentence = "Hours without another status: a whole number from 1 to 10000 is expected."
    assert refused.value.sentence == sentence
    with pytest.raises(ParameterError) as refused:
        QUERIES["stuck"].values({"days": " "})
    assert refused.value.sentence == "Days back, today included: a value is needed."


def test_text_is_only_a_value(known: Engine):
    """A label is bound, so that nothing in it is SQL; NUL, which PostgreSQL refuses, is replaced."""
    for label in ("'; DROP TABLE links; --", "\0", "\ud800", "%s :label {s}"):
        assert ask(known, "click_curve", {"label": label})[1:] == []


def test_days_are_those_of_utc():
    """So many days, today included, begin at midnight UTC."""
    values = QUERIES["deliveries_by_day"].values({"days": "2"}, now=NOW)
    assert values["since"] == datetime.fromisoformat(f"{YESTERDAY} 00:00+00:00")
    assert values["since"] + timedelta(days=1, hours=12, minutes=30) == NOW
