"""Traces: when they are on, what is exported, and what a process says that could not."""

import logging
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.sampling import _KNOWN_SAMPLERS, Decision

from runtime.settings.environment import read
from runtime.settings.traces import TraceSettings
from runtime.trace_ids import trace_id, trace_of
from runtime.traces import OFF, Laps, Step, Traces, create_traces
from tests.collector import Collector, collecting, environment
from tests.servers import eventually

ENDPOINT = "OTEL_EXPORTER_OTLP_ENDPOINT"
DELIVERY = "01a228e4-f54f-73f8-a1dd-5976442526c4"


@pytest.fixture
def collector() -> Iterator[Collector]:
    with collecting() as collector:
        yield collector


@pytest.fixture(autouse=True)
def exporter_logs() -> Iterator[None]:
    logger = logging.getLogger("opentelemetry.exporter")
    level = logger.level
    yield
    logger.setLevel(level)


def traces_by(monkeypatch: pytest.MonkeyPatch, **variables: str) -> Traces:
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    return create_traces(read(TraceSettings), "receiver")


@pytest.mark.parametrize(
    "variables",
    [
        pytest.param({}, id="nothing is set"),
        pytest.param({ENDPOINT: ""}, id="an empty endpoint"),
        pytest.param({ENDPOINT: "http://127.0.0.1:1", "OTEL_TRACES_EXPORTER": "none"}, id="no exporter"),
        pytest.param({ENDPOINT: "http://127.0.0.1:1", "OTEL_SDK_DISABLED": "true"}, id="disabled"),
    ],
)
def test_they_are_off(variables: dict[str, str], monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture):
    """Without a collector, or where they are not wanted, and nothing is said of it."""
    assert traces_by(monkeypatch, **variables) is OFF
    assert not caplog.records


@pytest.mark.parametrize(
    ("variables", "cause"),
    [
        pytest.param(
            {"OTEL_TRACES_EXPORTER": "zipkin"}, "OTEL_TRACES_EXPORTER is neither otlp nor none", id="exporter"
        ),
        pytest.param(
            {ENDPOINT: "x", "OTEL_EXPORTER_OTLP_PROTOCOL": "grpc"},
            "OTEL_EXPORTER_OTLP_PROTOCOL is not http/protobuf",
            id="protocol",
        ),
    ],
)
def test_what_is_not_supported_is_logged(
    variables: dict[str, str], cause: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
):
    """The process starts all the same."""
    assert traces_by(monkeypatch, **variables) is OFF
    assert cause in caplog.text


@pytest.mark.parametrize(
    ("name", "value"),
    [
        pytest.param("OTEL_SPAN_LINK_COUNT_LIMIT", "many", id="a limit"),
        pytest.param("OTEL_BSP_MAX_QUEUE_SIZE", "0", id="a queue"),
    ],
)
def test_what_the_library_refuses_is_logged(
    name: str, value: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
):
    """The process works all the same, and nothing is sampled."""
    traces = traces_by(monkeypatch, **{ENDPOINT: "http://127.0.0.1:1", name: value})
    traces.start()
    assert "OpenTelemetry's library refuses a setting: ValueError" in caplog.text
    assert traces.of(DELIVERY) is None
    traces.close()


@pytest.mark.parametrize("argument", ["0", "0.1", "1", "", "2", "some"])
@pytest.mark.parametrize("sampler", [*_KNOWN_SAMPLERS, "unheard-of"])
def test_the_library_would_sample_the_same(sampler: str, argument: str, monkeypatch: pytest.MonkeyPatch):
    """Whatever OTEL_TRACES_SAMPLER and OTEL_TRACES_SAMPLER_ARG say."""
    monkeypatch.setenv("OTEL_TRACES_SAMPLER_ARG", argument)
    traces = traces_by(monkeypatch, **{ENDPOINT: "http://127.0.0.1:1", "OTEL_TRACES_SAMPLER": sampler})
    library = TracerProvider(shutdown_on_exit=False).sampler
    for number in range(100):
        decision = library.should_sample(None, trace_of(str(number)).id, "receive").decision
        assert (traces.of(str(number)) is not None) is (decision is Decision.RECORD_AND_SAMPLE)


def test_without_the_extra_they_are_off(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture):
    """The process starts all the same."""
    monkeypatch.delitem(sys.modules, "runtime.span_export", raising=False)
    monkeypatch.setitem(sys.modules, "opentelemetry.context", None)
    assert traces_by(monkeypatch, **{ENDPOINT: "http://127.0.0.1:1"}) is OFF
    assert "seven-ingest[otel] is not installed" in caplog.text


def test_a_delivery_is_exported(collector: Collector, monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    """With the headers of a file, under the environment's name, and what went wrong."""
    (tmp_path / "headers").write_text("x-key=secret")
    more = {"OTEL_EXPORTER_OTLP_HEADERS_FILE": str(tmp_path / "headers"), "OTEL_SERVICE_NAME": "mine"}
    traces = traces_by(monkeypatch, **environment(collector, **more))
    traces.start()
    trace = traces.of(DELIVERY)
    assert trace == trace_of(DELIVERY)
    now = time.monotonic()
    traces.record(trace, Step("consume", now, now, "StoreAway", "b", inside=(Step("commit", now, now, "StoreAway"),)))
    traces.record_first(trace, Step("receive", now, now, attributes={"seven.outcome": "accepted"}))
    traces.close()
    commit, consume, receive = sorted(collector.spans(), key=lambda span: span.name)
    assert collector.headers[0]["x-key"] == "secret"
    assert {span.service for span in (commit, consume, receive)} == {"mine"}
    assert {span.trace for span in (commit, consume, receive)} == {trace_id(DELIVERY)}
    assert (receive.id, receive.parent, receive.failed) == (f"{trace.root:016x}", "", False)
    assert receive.attributes == {"seven.delivery.id": DELIVERY, "seven.outcome": "accepted"}
    assert (consume.parent, consume.failed, consume.attributes["error.type"]) == (receive.id, True, "StoreAway")
    assert (commit.parent, commit.failed) == (consume.id, True)


def test_a_fault_in_a_span_harms_nothing(
    collector: Collector, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
):
    """Whoever records goes on; there are no further traces."""
    traces = traces_by(monkeypatch, **environment(collector))
    traces.start()
    for _ in range(2):
        traces.record(trace_of(DELIVERY), Step("consume", float("nan"), 0.0))
    traces.close()
    assert [record.getMessage().count("traces are off") for record in caplog.records] == [1]
    assert traces.of(DELIVERY) is None
    assert not collector.requests


def test_an_outage_of_the_collector_is_logged_once(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture):
    """And its end; not each attempt, as the library would, with the address."""
    caplog.set_level(logging.INFO)
    gone = Collector()
    few = {"OTEL_EXPORTER_OTLP_TIMEOUT": "0.1", "OTEL_BSP_SCHEDULE_DELAY": "10"}
    traces = traces_by(monkeypatch, **environment(gone) | few)
    traces.start()

    def attempt() -> None:
        now = time.monotonic()
        traces.record_first(trace_of(DELIVERY), Step("receive", now, now))

    def logged(text: str) -> bool:
        attempt()
        return text in caplog.text

    eventually(lambda: logged("spans cannot be exported"))
    with collecting(at=gone.url):
        eventually(lambda: logged("spans are exported again"))
    traces.close()
    assert [record.name for record in caplog.records] == ["seven.traces"] * 2


def test_laps_follow_each_other():
    """Each ends where the next begins; the last one has the error."""
    laps = Laps()
    laps.begin("commit")
    laps.begin("settle")
    step = laps.step("consume", "RedisError")
    commit, settle = step.inside
    assert (commit.name, commit.error, settle.name, settle.error) == ("commit", None, "settle", "RedisError")
    assert step.began <= commit.began <= commit.ended == settle.began <= settle.ended == step.ended


def test_headers_that_cannot_be_read_are_not_logged(
    collector: Collector, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
):
    """With a colon instead of an equals sign, the library would log the key."""
    traces = traces_by(monkeypatch, **environment(collector, OTEL_EXPORTER_OTLP_HEADERS="Authorization: Bearer s3cr3t"))
    traces.start()
    traces.close()
    assert "s3cr3t" not in caplog.text
