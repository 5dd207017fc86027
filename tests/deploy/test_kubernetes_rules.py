"""deploy/kubernetes/monitoring: rules that are other than compose's, since autoscalers change how many pods there are."""

import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.deploy.kubernetes import LOADER
from tests.deploy.tools import tool
from tests.processes import ROOT

GROUPS = yaml.load((ROOT / "deploy/kubernetes/monitoring/rules.yaml").read_text(), LOADER)["spec"]["groups"]
REPLICA_GONE = [rule for group in GROUPS for rule in group["rules"] if rule.get("alert") == "ReplicaGone"]
UP = 'up{job="%s",instance="%s"}'
OTHERS = {UP % ("worker", "a"): "1+0x1500", UP % ("receiver", "a"): "1+0x1500", UP % ("receiver", "b"): "1+0x1500"}


def gone(job: str, instance: str) -> dict[str, Any]:
    labels = f'alertname="ReplicaGone",alertstate="firing",instance="{instance}",job="{job}",severity="ticket"'
    return {"labels": f"ALERTS{{{labels}}}", "value": 1}


@pytest.mark.parametrize(
    ("series", "minutes", "expected"),
    [
        pytest.param(
            {UP % ("worker", "b"): "_x600 1+0x780 stale", UP % ("worker", "c"): "_x600 1+0x780 stale",
             UP % ("receiver", "c"): "_x600 1+0x780 stale"},
            (1395, 1440),
            [],
            id="scaled up for most of a day, then down",
        ),
        pytest.param({UP % ("worker", "b"): "1x600 0x30"}, (612,), [gone("worker", "b")], id="a worker is dead"),
        pytest.param({UP % ("receiver", "c"): "1x600 0x30"}, (612,), [gone("receiver", "c")], id="a receiver is dead"),
        pytest.param({UP % ("worker", "b"): "1x600 0x5 1x20"}, (612,), [], id="a worker was dead for five minutes"),
    ],
)  # fmt: skip
def test_only_a_dead_replica_is_gone(
    tmp_path: Path, series: dict[str, str], minutes: tuple[int, ...], expected: list[dict[str, Any]]
):
    """A pod that an autoscaler ended is no target any more; one that crashes stays one, and does not answer."""
    firing = 'ALERTS{alertname="ReplicaGone",alertstate="firing"}'
    case = {
        "interval": "1m",
        "input_series": [{"series": name, "values": values} for name, values in (OTHERS | series).items()],
        "promql_expr_test": [
            {"expr": firing, "eval_time": f"{minute}m", "exp_samples": expected} for minute in minutes
        ],
    }
    (tmp_path / "rules.yml").write_text(yaml.safe_dump({"groups": [{"name": "arriving", "rules": REPLICA_GONE}]}))
    file = tmp_path / "replicas.yml"
    file.write_text(yaml.safe_dump({"rule_files": ["rules.yml"], "evaluation_interval": "1m", "tests": [case]}))
    tested = subprocess.run([tool("promtool"), "test", "rules", str(file)], capture_output=True, text=True, check=False)

    assert tested.returncode == 0, tested.stdout + tested.stderr
