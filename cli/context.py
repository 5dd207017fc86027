"""Context: the installation that `status` and `doctor` examine, as its processes see it."""

import re
import socket

from cli.forgotten import erasure_key
from cli.installation import Installation
from cli.output.terminal import near
from operations.checks.subject import Replicas, Subject
from runtime.settings.console import ConsoleAccessSettings
from runtime.settings.environment import load
from runtime.settings.machine import ReplicaSettings
from runtime.settings.types import reveal
from store.engine import database_url, sqlite_file
from workers.settings import WorkerSettings


def examined() -> Subject:
    """Read the settings. Exits with code 2 where they are invalid."""
    home = Installation.from_environment()
    settings = home.load_for_commands(WorkerSettings)
    machine = home.settings
    file = sqlite_file(database_url(settings.store_url))
    places = [settings.seven_data_dir.resolve(), *([file.parent] if file else [])]
    return Subject(
        settings,
        settings.account,
        settings.store_url,
        machine.seven_receiver_url or home.receiver_url,
        machine.seven_flower_url or f"http://127.0.0.1:{machine.seven_flower_port}",
        reveal(machine.flower_basic_auth),
        {near(place): place for place in places},
        _replicas(load(ReplicaSettings), in_compose=machine.seven_receiver_url is not None and not home.has_run),
        emulated=home.emulated_here,
        reader_url=reveal(machine.seven_reader_url),
        console_logins=load(ConsoleAccessSettings).console_logins,
        erasure_key=erasure_key(home),
    )


def _replicas(settings: ReplicaSettings, *, in_compose: bool) -> Replicas:
    """How many compose is to run."""
    given = settings.model_fields_set if in_compose else ()
    return Replicas(
        # as in the names of workers (deploy/replica.py)
        re.sub(r"[^A-Za-z0-9._-]", "-", socket.gethostname()),
        settings.worker_replicas if "worker_replicas" in given else None,
        settings.ingest_replicas if "ingest_replicas" in given else None,
    )
