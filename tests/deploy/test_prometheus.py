"""Rules and alerts: valid, tested, of metrics that there are, and each with a section in the runbook."""

import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.acceptance.test_metrics import documented
from tests.deploy.tools import tool

ROOT = Path(__file__).parents[2]
RULES = ROOT / "deploy/prometheus"
RUNBOOK = (ROOT / "deploy/README.md").read_text()
ALERTS: list[dict[str, Any]] = [
    rule for group in yaml.safe_load((RULES / "alerts.yml").read_text())["groups"] for rule in group["rules"]
]
RECORDED: list[dict[str, Any]] = yaml.safe_load((RULES / "recording.yml").read_text())["groups"][0]["rules"]


def metrics(expression: str) -> set[str]:
    """The metrics of ours that an expression asks for, as docs/metrics.md names them."""
    named = set(re.findall(r"\bseven_\w+", expression))
    return {
        re.sub(r"_(bucket|sum|count)$", "", name) if "_seconds_" in name or "_deliveries_" in name else name
        for name in named
    }


def anchors(page: str) -> set[str]:
    titles = re.findall(r"^#+ (.+)$", page, re.MULTILINE)
    return {re.sub(r"[^\w -]", "", title.lower()).replace(" ", "-") for title in titles}


@pytest.mark.parametrize(
    "command", ["check config prometheus.yml", "test rules tests/alerts.yml", "test rules tests/days.yml"]
)
def test_promtool_finds_nothing(command: str):
    """Configuration and rules are valid, and each alert fires when it should and stays quiet when it should."""
    done = subprocess.run([tool("promtool"), *command.split()], cwd=RULES, capture_output=True, text=True, check=False)

    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("rule", [*ALERTS, *RECORDED], ids=lambda rule: rule.get("alert") or rule["record"])
def test_rules_ask_for_what_is_told(rule: dict[str, Any]):
    """Every metric is one of docs/metrics.md, every recorded series is recorded."""
    assert metrics(rule["expr"]) <= documented()
    assert set(re.findall(r"\bseven:\w+(?::\w+)*", rule["expr"])) <= {one["record"] for one in RECORDED}


@pytest.mark.parametrize("alert", ALERTS, ids=lambda rule: rule["alert"])
def test_every_alert_has_a_section(alert: dict[str, Any]):
    """Its runbook leads to a title that is there, and the table of alerts says the same."""
    page, _, anchor = alert["annotations"]["runbook"].partition("#")

    assert page == "deploy/README.md"
    assert anchor in anchors(RUNBOOK)
    rows = [row for row in RUNBOOK.splitlines() if f"`{alert['alert']}`" in row and row.startswith("|")]
    assert any(f"](#{anchor})" in row and alert["labels"]["severity"] in row for row in rows)


@pytest.mark.parametrize("name", sorted({alert["alert"] for alert in ALERTS}))
def test_every_alert_is_tested(name: str):
    """As firing somewhere, and as quiet somewhere."""
    tests = "".join((RULES / "tests" / file).read_text() for file in ("alerts.yml", "days.yml"))

    assert re.search(rf'ALERTS{{alertname="{name}",alertstate="firing"}}', tests)
    assert re.search(rf"alertname: {name}, exp_alerts: \[\]", tests)
