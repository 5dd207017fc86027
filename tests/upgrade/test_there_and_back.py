"""An upgrade from each release and back, under traffic, in the order of deploy/README.md: nothing is lost, the audit is good."""

from pathlib import Path

import pytest

from tests.deploy.backups import Database
from tests.deploy.machine import Machine
from tests.extent import thorough
from tests.processes import ROOT
from tests.upgrade.conftest import audited, succeed
from tests.upgrade.releases import RELEASES, check_out, command, run_code

RATE = 40.0
"""Deliveries a second: processes that import all their modules anew share the machine with them."""


def upgrade(machine: Machine) -> None:
    """Migrate, and start today's code process by process, beside traffic; then wait until all is applied."""
    with machine.traffic(RATE):
        succeed(machine, "migrate")
        run_code(ROOT, machine.worker, machine.receiver, machine.beat)
    machine.wait_until_settled()


@thorough
@pytest.mark.duration(60)
@pytest.mark.parametrize("release", RELEASES)
def test_there_and_back_again(tmp_path: Path, database: Database, release: str):
    """The release, today's version, the release again, and today's: all of it beside traffic and on the same tables.

    What the release could not read is parked or waits; the commands of the upgrade's page apply it. Then the records are
    those that all deliveries make.
    """
    old = check_out(release, tmp_path)
    with Machine(tmp_path, database) as machine:
        machine.valkey.start()
        migrated = command(old, machine.receiver.environment, "migrate")
        assert migrated.returncode == 0, migrated.stdout + migrated.stderr
        run_code(old, machine.receiver, machine.worker, machine.beat)
        machine.deliver(100)
        upgrade(machine)
        assert audited(machine)["lost"] is False

        with machine.traffic(RATE):
            run_code(old, machine.receiver, machine.worker, machine.beat)
        machine.deliver(100)

        upgrade(machine)
        assert audited(machine)["against"]["missing"] == []
        assert machine.stored_ids() == set(machine.delivered)
        succeed(machine, "dead", "replay", "--outcome", "parked", "--yes")
        succeed(machine, "dead", "replay", "--yes")
        succeed(machine, "rebuild", "--since", "1d", "--yes")
        machine.check_records()
