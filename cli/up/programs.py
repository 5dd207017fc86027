"""Programs: everything that runs on one machine, in the order of its start, and the ports where it listens."""

import errno
import os
import socket
import sys
from collections.abc import Iterable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass

from cli.installation import EMULATED_KEY, Installation
from cli.up import broker
from cli.up.supervisor import Program


@dataclass(frozen=True, slots=True)
class Listener:
    """A process that will listen, and the setting that moves it elsewhere."""

    name: str
    host: str
    port: int
    setting: str


def hindrances(listeners: Iterable[Listener]) -> list[str]:
    """Why these cannot all listen, a sentence for each that cannot; empty when they can."""
    told = []
    with ExitStack() as held:  # all at the same time, so that two on one port are found out too
        for one in listeners:
            try:
                held.enter_context(_listening(one))
            except OSError as error:
                told.append(f"{one.name}: {_cause(one, error)}; set {one.setting} to another")
    return told


def _listening(listener: Listener) -> socket.socket:
    family, kind, protocol, _, address = socket.getaddrinfo(
        listener.host, listener.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
    )[0]
    taken = socket.socket(family, kind, protocol)
    try:
        taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # as the servers do: connections may linger
        taken.bind(address)
        taken.listen()
    except OSError:
        taken.close()
        raise
    return taken


def _cause(listener: Listener, error: OSError) -> str:
    if error.errno == errno.EADDRINUSE:
        return f"port {listener.port} is taken"
    return f"cannot listen on {listener.host}:{listener.port} ({os.strerror(error.errno) if error.errno else error})"


DRAIN_S = 10  # for the receiver's last answers

# Who needs no secret gets none.
_API_KEY = ("SEVEN_API_KEY", "SEVEN_API_KEY_FILE")
_PROOFS = ("SEVEN_SIGNING_KEY", "SEVEN_SIGNING_KEY_FILE", "SEVEN_HOOK_SECRET", "SEVEN_HOOK_SECRET_FILE")
_GATEWAY = (
    *(*_API_KEY, *_PROOFS, "SEVEN_HOOK_TOKEN", "SEVEN_HOOK_TOKEN_FILE"),
    *("EMULATOR_TARGET_URL", "EMULATOR_TARGET_URL_FILE"),
)


def listeners(home: Installation) -> list[Listener]:
    """Who of them will listen where."""
    told = home.settings
    listening = [Listener("receiver", told.seven_host, told.seven_port, "SEVEN_PORT")]
    if home.brings_broker:
        listening.append(Listener("broker", "127.0.0.1", told.seven_broker_port, "SEVEN_BROKER_PORT"))
    listening.append(Listener("Flower", "127.0.0.1", told.seven_flower_port, "SEVEN_FLOWER_PORT"))
    if home.emulates:
        listening.append(Listener("emulator", "127.0.0.1", told.emulator_port, "EMULATOR_PORT"))
    return listening


def broker_program(home: Installation, lock: int) -> Program:
    """The broker; as long as it lives it holds the installation's lock. Raises broker.NoBroker."""
    command = broker.command(home.settings.seven_broker_port, home.broker)
    return Program("broker", command, {"PATH": os.defpath}, keeps=(lock,))


def our_programs(home: Installation) -> list[Program]:
    """Receiver, worker, beat and Flower, all told by the environment."""
    told = home.settings
    receiver = (
        *_uvicorn("ingest.app:app", told.seven_host, told.seven_port),
        *("--ws", "none", "--no-server-header", "--timeout-graceful-shutdown", str(DRAIN_S)),
    )
    flower = (
        *("flower", "--address=127.0.0.1", f"--port={told.seven_flower_port}"),
        *("--persistent=True", f"--db={home.flower}"),
    )
    without_key = _environment(without=_API_KEY)
    password = (
        {} if told.flower_basic_auth is None else {"FLOWER_BASIC_AUTH": told.flower_basic_auth.get_secret_value()}
    )
    return [
        Program("receiver", receiver, without_key),
        Program("worker", _celery("worker", "--without-gossip", "--without-mingle", "-n", "worker@%h"), _environment()),
        Program("beat", _celery("beat"), _environment()),
        Program("flower", _celery(*flower), {**_environment(without=(*_API_KEY, *_PROOFS)), **password}),
    ]


def emulator_program(home: Installation) -> Program:
    """The emulator, which tells what it is asked for: `up` asks once hooks and receiver are there."""
    told = home.settings
    gateway = {
        "EMULATOR_API_KEY": EMULATED_KEY,
        "EMULATOR_FIRST_STORY": "false",
        "EMULATOR_STATE_FILE": str(home.emulator_file),
    }
    return Program(
        "emulator",
        (*_uvicorn("emulator.app:app", "127.0.0.1", told.emulator_port), "--no-access-log"),
        {**_environment(without=_GATEWAY), **gateway},
    )


def _uvicorn(app: str, host: str, port: int) -> tuple[str, ...]:
    return sys.executable, "-m", "uvicorn", app, "--host", host, "--port", str(port)


def _celery(*words: str) -> tuple[str, ...]:
    return sys.executable, "-m", "celery", "-A", "workers.app", *words


def _environment(without: tuple[str, ...] = ()) -> Mapping[str, str]:
    return {name: value for name, value in os.environ.items() if name not in without}
