"""The servers, processes and links of a run; processes that end by themselves are restarted and counted."""

import re
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx2

from ledger.client import Ledger
from store.engine import create_store_engine
from store.migrate import migrate
from tests import clocks
from tests.acceptance.subscribers import begin
from tests.chaos.links import Link, Links
from tests.chaos.options import Options
from tests.chaos.sabotage import STEPS
from tests.chaos.schedule import DISPATCHERS, RECEIVERS, WORKERS
from tests.chaos.subscribers import Subscribers
from tests.chaos.supervision import SupervisedProcess
from tests.clocks import Clock
from tests.processes import Process, Receiver, beat, dispatcher, worker
from tests.servers import Postgres, Valkey, eventually, free_port

TOKEN = "chaos-chaos-chaos-chaos"
TRAFFIC = {RECEIVERS[0]: (0.1, 0.0), RECEIVERS[1]: (0.9, 0.5)}
"""Each receiver's share of the deliveries, and the pulse in seconds at which they arrive together: 0 is one by one, 0.5 is
bursts as from a campaign. Where an fsync takes no time, only bursts fill batches."""
SKEW_S = 3600
"""How far the second worker's clock runs ahead."""
LOOK_S = 0.2
SAMPLE_S = 2.0


class Cluster:
    """All servers and processes of one run."""

    def __init__(self, directory: Path, options: Options) -> None:
        self.directory, self.options, self.links = directory, options, Links()
        for folder in ("valkey", "postgresql"):
            (directory / folder).mkdir()
        self.clocks = {name: self._clock(name) for name in (*RECEIVERS, *WORKERS, *DISPATCHERS, "beat", "valkey")}
        self.clock_lock = threading.Lock()
        self.valkey = self._valkey("valkey")
        self.postgres = Postgres(directory / "postgresql") if options.database == "postgresql" else None
        self.servers = {"valkey": threading.Lock(), options.database: threading.Lock()}
        self.link: dict[str, Link] = {}
        self.subscribers = Subscribers(directory)
        self.processes: dict[str, SupervisedProcess] = {}
        self.over = threading.Event()
        """Set at the end and when a run is aborted: no process is started any more."""

    @contextmanager
    def up(self) -> Iterator[None]:
        """Run everything for the length of a block: servers start first and end last."""
        supervisor = threading.Thread(target=self._supervise, name="supervision")
        try:
            self._start_servers()
            self._start_processes()
            supervisor.start()
            yield
        finally:
            self.over.set()
            if supervisor.ident:
                supervisor.join()
            self._end()

    @property
    def receivers(self) -> list[Receiver]:
        return [
            supervised.process for supervised in self.processes.values() if isinstance(supervised.process, Receiver)
        ]

    @property
    def targets(self) -> dict[str, float]:
        """Hook URLs of the receivers, through their links, each with its share of the deliveries."""
        ports = {name: self.link[f"emulator→{name}"].port for name in RECEIVERS}
        return {f"http://127.0.0.1:{port}/hooks/{TOKEN}": TRAFFIC[name][0] for name, port in ports.items()}

    @property
    def environment(self) -> dict[str, str]:
        """Settings of a command that reads ledger and database."""
        return {"REDIS_URL": self.valkey.url, "DATABASE_URL": self.database_url}

    def raised(self) -> dict[str, int]:
        """Failed tasks by exception, from the workers' logs; only outages of Valkey may cause them."""
        logs = (self.processes[name].process.log.read_text(errors="replace") for name in WORKERS)
        return dict(Counter(word for log in logs for word in re.findall(r" task failed .*?exception=(\w+)", log)))

    def ready(self) -> bool:
        """Whether every receiver is ready and every process runs."""
        try:
            answers = [httpx2.get(f"{receiver.url}/readyz", timeout=1) for receiver in self.receivers]
        except httpx2.TransportError:
            return False
        return all(answer.status_code == 200 for answer in answers) and all(
            supervised.runs for supervised in self.processes.values()
        )

    def _start_servers(self) -> None:
        self.valkey.start()
        self.ledger = Ledger(self.valkey.url)
        if self.postgres:
            self.postgres.create()
            self.postgres.start()
            self.database_url = self.postgres.database()
        else:
            self.database_url = f"sqlite:///{self.directory / 'seven.db'}"
        self.engine = create_store_engine(self.database_url)
        migrate(self.engine)

    def _start_processes(self) -> None:
        self._start_dispatchers()
        for name in RECEIVERS:
            through = (*self.clocks[name].through, *self._sabotage("receiver"))
            receiver = Receiver(self.directory, self._environment(name), name, through)
            self.processes[name] = SupervisedProcess(receiver)
            self._add_link(f"emulator→{name}", receiver.port, TRAFFIC[name][1])
        for name in WORKERS:
            through = (*self.clocks[name].through, *self._sabotage("worker"))
            self.processes[name] = SupervisedProcess(worker(self.directory, self._environment(name), name, through))
        scheduler = beat(self.directory, self._environment("beat"), through=self.clocks["beat"].through)
        self.processes["beat"] = SupervisedProcess(scheduler)
        for supervised in self.processes.values():
            if not supervised.runs:
                supervised.process.start()

    def _start_dispatchers(self) -> None:
        """Before the workers, which so know from their start what is subscribed to."""
        self.processes["targets"] = SupervisedProcess(self.subscribers.targets)
        for name in DISPATCHERS:
            through = (*self.clocks[name].through, *self._sabotage("dispatcher"))
            process = dispatcher(self.directory, self._environment(name), name, through)
            self.processes[name] = SupervisedProcess(process)
        for name in ("targets", *DISPATCHERS):
            self.processes[name].process.start()
        begin(self.engine)

    def _clock(self, name: str) -> Clock:
        return Clock(SKEW_S if name == WORKERS[1] else 0)

    def _valkey(self, folder: str, *options: str) -> Valkey:
        (self.directory / folder).mkdir(exist_ok=True)
        environment = self.clocks["valkey"].environment if clocks.is_available() else None
        return Valkey(self.directory / folder, *options, environment=environment)

    def fail_over(self) -> Valkey:
        """Promote a standby that has all data; returns the former primary, which keeps running as its replica.

        New connections go to the new primary; existing ones stay with the former.
        """
        former = self.valkey
        standby = self._valkey(f"valkey-{former.port}", "--replicaof", f"127.0.0.1 {former.port}")
        standby.start()
        standby.options = ()  # after a restart it is the primary
        with former.client() as old, standby.client() as new:
            eventually(lambda: new.info("replication")["master_link_status"] == "up")
            old.execute_command("FAILOVER", "TO", "127.0.0.1", str(standby.port), "TIMEOUT", "60000")
            eventually(lambda: new.info("replication")["role"] == "master")
            eventually(lambda: old.info("replication")["role"] == "slave")
        for link in self.link.values():
            if link.target == former.port:
                link.target = standby.port
        self.valkey = standby
        self.ledger.close()
        self.ledger = Ledger(standby.url)
        return former

    def second_beat(self) -> Process:
        """A second, surplus beat, not yet started."""
        return beat(self.directory, self._environment("beat-2"), "beat-2")

    def _environment(self, name: str) -> dict[str, str]:
        """Settings of a process; it reaches servers through its own links, if it has any."""
        environment = {
            **self.environment,
            "SEVEN_HOOK_TOKEN": TOKEN,
            "SEVEN_SWEEP_S": "2",
            "SEVEN_OVERDUE_S": "10",
            "SEVEN_REACTIONS_FILE": str(self.subscribers.file),
            "SEVEN_RETAIN_S": "2",  # retention runs often, and by no skewed clock is anything old enough
            "SEVEN_METRICS_ADDRESS": f"127.0.0.1:{free_port()}",
        }
        if name in (*RECEIVERS, *WORKERS, *DISPATCHERS, "beat", "beat-2"):
            link = self._add_link(f"{name}→valkey", self.valkey.port)
            environment["REDIS_URL"] = self.valkey.url.replace(f":{self.valkey.port}/", f":{link.port}/")
        if name in (*WORKERS, *DISPATCHERS) and self.postgres:
            link = self._add_link(f"{name}→postgresql", self.postgres.port)
            environment["DATABASE_URL"] = self.database_url.replace(f":{self.postgres.port}/", f":{link.port}/")
        return environment

    def _add_link(self, name: str, target: int, pulse_s: float = 0.0) -> Link:
        self.link[name] = self.links.add(name, target, pulse_s)
        return self.link[name]

    def _sabotage(self, role: str) -> tuple[str, ...]:
        step = self.options.sabotage
        return ("tests.chaos.sabotage", step) if step and STEPS[step][0] == role else ()

    def _supervise(self) -> None:
        sampled_at = time.monotonic()
        while not self.over.wait(LOOK_S):
            for supervised in self.processes.values():
                supervised.look()
            if time.monotonic() - sampled_at > SAMPLE_S:
                sampled_at = time.monotonic()
                for supervised in self.processes.values():
                    supervised.sample()

    def _end(self) -> None:
        for supervised in self.processes.values():
            if supervised.runs and supervised.process.process:
                supervised.process.process.kill()
                supervised.process.process.wait()
        self.links.close()
        if hasattr(self, "engine"):
            self.engine.dispose()
            self.ledger.close()
        self.valkey.kill()
        if self.postgres:
            self.postgres.stop()
