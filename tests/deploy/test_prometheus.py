"""Rules and alerts: valid, tested, with documented metrics, and each with a section in the runbook."""

import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.acceptance.test_metrics import documented
from tests.deploy.tools import tool
from tests.extent import thorough

ROOT = Path(__file__).parents[2]
RULES = ROOT / "deploy/prometheus"
ALERTS_PAGE = ROOT / "deploy/alerts.md"
LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # ten times as fast, where PyYAML has it


def rules(name: str) -> list[dict[str, Any]]:
    content = yaml.load((RULES / name).read_text(), LOADER)
    return [rule for group in content["groups"] for rule in group["rules"]]


OBJECTIVES = rules("objectives.yml")
ALERTS = [*rules("alerts.yml"), *(rule for rule in OBJECTIVES if "alert" in rule)]
RECORDED = [*rules("recording.yml"), *(rule for rule in OBJECTIVES if "record" in rule)]


TESTS = ("alerts.yml", "days.yml", "reactions.yml", "objectives.yml")


def metrics(expression: str) -> set[str]:
    """Our metrics in an expression, by their names in docs/metrics.md."""
    named = set(re.findall(r"\bseven_\w+", expression))
    return {
        re.sub(r"_(bucket|sum|count)$", "", name) if "_seconds_" in name or "_deliveries_" in name else name
        for name in named
    }


def anchors(page: str) -> set[str]:
    titles = re.findall(r"^#+ (.+)$", page, re.MULTILINE)
    return {re.sub(r"[^\w -]", "", title.lower()).replace(" ", "-") for title in titles}


@pytest.mark.parametrize(
    "command",
    [
        "check config prometheus.yml",
        "test rules tests/days.yml",
        "test rules tests/reactions.yml",
        "test rules tests/objectives.yml",
        pytest.param("test rules tests/alerts.yml", marks=thorough),
    ],
)
def test_promtool_passes(command: str):
    """Configuration and rules are valid; every alert fires and stays quiet when it should."""
    completed = subprocess.run(
        [tool("promtool"), *command.split()], cwd=RULES, capture_output=True, text=True, check=False
    )

    assert completed.returncode == 0, completed.stdout + completed.stderr


@pytest.mark.parametrize("rule", [*ALERTS, *RECORDED], ids=lambda rule: rule.get("alert") or rule["record"])
def test_rules_use_documented_metrics(rule: dict[str, Any]):
    """Every metric is in docs/metrics.md, and every recorded series has its rule."""
    assert metrics(rule["expr"]) <= documented()
    assert set(re.findall(r"\bseven:\w+(?::\w+)*", rule["expr"])) <= {recorded["record"] for recorded in RECORDED}


@pytest.mark.parametrize("alert", ALERTS, ids=lambda rule: rule["alert"])
def test_every_alert_has_a_section(alert: dict[str, Any]):
    """The runbook link of an alert leads to an existing title, and the table of alerts has the same link and severity."""
    match = re.fullmatch(r"(\{\{.+\}\})(.+)#(.+)", alert["annotations"]["runbook"])
    assert match
    base, page, anchor = match.groups()

    assert base == "{{ $externalLabels.runbooks }}"
    assert page in ("deploy/alerts.md", "deploy/operate.md")
    assert anchor in anchors((ROOT / page).read_text())
    link = f"](#{anchor})" if page == "deploy/alerts.md" else f"](operate.md#{anchor})"
    rows = [row for row in ALERTS_PAGE.read_text().splitlines() if f"`{alert['alert']}`" in row and row.startswith("|")]
    assert any(link in row and alert["labels"]["severity"] in row for row in rows)


@pytest.mark.parametrize("name", sorted({alert["alert"] for alert in ALERTS}))
def test_every_alert_is_tested(name: str):
    """Every alert is tested both firing and quiet, but for the one that always fires."""
    tests = "".join((RULES / "tests" / file).read_text() for file in TESTS)

    assert re.search(rf'ALERTS{{alertname="{name}",alertstate="firing"}}', tests)
    assert re.search(rf"alertname: {name}, exp_alerts: \[\]", tests) or name == "Watchdog"


def test_the_runbook_is_where_an_external_label_says():
    """The example in prometheus.yml makes each runbook an absolute address: promtool has tested what alerts make of it."""
    (example,) = re.findall(r"^  # (external_labels: .+)$", (RULES / "prometheus.yml").read_text(), re.MULTILINE)
    (labels,) = yaml.safe_load(example).values()

    assert list(labels) == ["runbooks"]
    assert re.fullmatch(r"https://.+/", labels["runbooks"])
