"""deploy/kubernetes/scaling: its queries have one result where they should have one, and none where the number must stay."""

import subprocess
from pathlib import Path

import pytest
import yaml

from tests.acceptance.test_metrics import documented
from tests.deploy.kubernetes import Document, select
from tests.deploy.test_prometheus import metrics
from tests.deploy.tools import tool
from tests.deploy.watched import Watched
from tests.processes import ROOT
from tests.servers import eventually

SCALED = [
    document
    for name in ("worker", "reactions/reactions")
    for document in yaml.safe_load_all((ROOT / f"deploy/kubernetes/scaling/{name}.yaml").read_text())
]
TRIGGERS: dict[str, dict[str, str]] = {
    trigger["name"]: trigger["metadata"] for document in SCALED for trigger in document["spec"]["triggers"]
}

OLDEST, PENDING = (
    'seven_ledger_oldest_pending_seconds{queue="%s"}',
    'seven_ledger_pending_batches{queue="%s",job="worker",instance="%s"}',
)
WAITING, SENT = 'seven_reaction_waiting{reaction="%s"}', 'seven_reaction_changes_total{reaction="%s",fate="sent"}'
QUIET = {"seven_store_held": 0}


@pytest.mark.parametrize(
    ("trigger", "series", "expected"),
    [
        pytest.param("oldest-pending-seconds", {OLDEST % "dlr": 0, **QUIET}, 0, id="nothing waits"),
        pytest.param("oldest-pending-seconds", {OLDEST % "dlr": 45, OLDEST % "sms_mo": 70, **QUIET}, 70, id="the oldest of all queues"),
        pytest.param("oldest-pending-seconds", {OLDEST % "dlr": -400, **QUIET}, 0, id="Redis' clock was set back"),
        pytest.param("oldest-pending-seconds", {OLDEST % "dlr": 700, "seven_store_held": 1}, None, id="no database: the number stays"),
        pytest.param("oldest-pending-seconds", QUIET, None, id="no Redis: the number stays"),
        pytest.param("pending-batches", {PENDING % ("dlr", "a"): 9, PENDING % ("dlr", "b"): 9, PENDING % ("rcs", "a"): 2, **QUIET}, 11, id="each worker reports the same"),
        pytest.param("pending-batches", {PENDING % ("dlr", "a"): 9, "seven_store_held": 1}, None, id="pending, and no database"),
        pytest.param("pending-batches", QUIET, None, id="pending, and no Redis"),
        pytest.param("waiting", {WAITING % "a": 5, WAITING % "b": 2, SENT % "a": "0+9x3", SENT % "b": "0+9x3"}, 7, id="all that wait"),
        pytest.param("waiting", {WAITING % "a": 5, WAITING % "b": 2, SENT % "a": "7x3", SENT % "b": "0+9x3"}, 2, id="but for a dead target"),
        pytest.param("waiting", {WAITING % "a": 5, SENT % "a": "7x3"}, 0, id="all dead"),
        pytest.param("waiting", {SENT % "a": "0+9x3"}, None, id="no outbox: the number stays"),
    ],
)  # fmt: skip
def test_what_a_query_says(tmp_path: Path, trigger: str, series: dict[str, int | str], expected: int | None):
    """No result stands for no figure: then neither more nor fewer are started."""
    samples = [] if expected is None else [{"labels": "{}", "value": expected}]
    case = {
        "interval": "1m",
        "input_series": [
            {"series": name, "values": value if isinstance(value, str) else f"{value}x3"}
            for name, value in series.items()
        ],
        "promql_expr_test": [{"expr": TRIGGERS[trigger]["query"], "eval_time": "2m", "exp_samples": samples}],
    }
    file = tmp_path / "queries.yml"
    file.write_text(yaml.safe_dump({"evaluation_interval": "1m", "tests": [case]}))
    tested = subprocess.run([tool("promtool"), "test", "rules", str(file)], capture_output=True, text=True, check=False)

    assert tested.returncode == 0, tested.stdout + tested.stderr


def test_no_result_is_not_taken_for_zero():
    """KEDA would otherwise end all but one while Prometheus or Redis is away."""
    assert {metadata["ignoreNullValues"] for metadata in TRIGGERS.values()} == {"false"}
    assert all(metrics(metadata["query"]) <= documented() for metadata in TRIGGERS.values())


def test_never_to_zero(overlays: dict[str, list[Document]]):
    """What waits is reported by workers: without one nobody would know. And receivers are two at least."""
    least: dict[str, int] = {document["metadata"]["name"]: document["spec"]["minReplicaCount"] for document in SCALED}
    (autoscaler,) = select(overlays["managed"], "HorizontalPodAutoscaler").values()

    assert least == {"worker": 1, "reactions": 1}
    assert autoscaler["spec"]["minReplicas"] == 2


def test_a_manifest_does_not_undo_what_scaling_did(overlays: dict[str, list[Document]]):
    """Deployments that are scaled have no number of their own, which `kubectl apply` would set again."""
    deployments = select(overlays["managed"], "Deployment")
    scalers = [
        *select(overlays["managed"], "ScaledObject").values(),
        *select(overlays["managed"], "HorizontalPodAutoscaler").values(),
    ]
    scaled = {document["spec"]["scaleTargetRef"]["name"] for document in scalers}

    assert scaled == {"ingest", "worker", "reactions"}
    assert {name for name, document in deployments.items() if "replicas" not in document["spec"]} == scaled


def test_queries_have_one_result_on_a_working_installation(watched: Watched):
    """Real processes report what they need, and nothing waits."""

    def values() -> dict[str, list[float]]:
        results = {name: watched.prometheus.query_now(metadata["query"]) for name, metadata in TRIGGERS.items()}
        return {name: [float(sample["value"][1]) for sample in result] for name, result in results.items()}

    nothing = {"oldest-pending-seconds": [0.0], "pending-batches": [0.0], "waiting": [0.0]}
    eventually(lambda: values() == nothing)  # what had just changed at a scrape is no longer waiting at a later one
