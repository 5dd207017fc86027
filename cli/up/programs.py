"""Programs: the processes of one machine in starting order, and the ports they listen on."""

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
    """A process that will listen, and the setting of its port."""

    name: str
    host: str
    port: int
    setting: str


def listen_failures(listeners: Iterable[Listener]) -> list[str]:
    """A sentence for each process that cannot listen; empty if all can."""
    failures = []
    with ExitStack() as sockets:  # all at the same time, which also detects two listeners on one port
        for listener in listeners:
            try:
                sockets.enter_context(_listen(listener))
            except OSError as error:
                failures.append(f"{listener.name}: {_reason(listener, error)}; set {listener.setting} to another")
    return failures


def _listen(listener: Listener) -> socket.socket:
    family, kind, protocol, _, address = socket.getaddrinfo(
        listener.host, listener.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
    )[0]
    listening = socket.socket(family, kind, protocol)
    try:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # as the servers do: connections may linger
        listening.bind(address)
        listening.listen()
    except OSError:
        listening.close()
        raise
    return listening


def _reason(listener: Listener, error: OSError) -> str:
    if error.errno == errno.EADDRINUSE:
        return f"port {listener.port} is taken"
    return f"cannot listen on {listener.host}:{listener.port} ({os.strerror(error.errno) if error.errno else error})"


DRAIN_S = 10  # for the receiver's last answers

# Secrets, withheld from processes that do not need them.
_API_KEY = ("SEVEN_API_KEY", "SEVEN_API_KEY_FILE")
_ERASURE_KEY = ("SEVEN_ERASURE_KEY", "SEVEN_ERASURE_KEY_FILE")
_PROOFS = ("SEVEN_SIGNING_KEY", "SEVEN_SIGNING_KEY_FILE", "SEVEN_HOOK_SECRET", "SEVEN_HOOK_SECRET_FILE")
_GATEWAY = (
    *(*_API_KEY, *_ERASURE_KEY, *_PROOFS, "SEVEN_HOOK_TOKEN", "SEVEN_HOOK_TOKEN_FILE"),
    *("EMULATOR_TARGET_URL", "EMULATOR_TARGET_URL_FILE"),
)


def listeners(installation: Installation) -> list[Listener]:
    """The processes of this installation that will listen."""
    settings = installation.settings
    processes = [Listener("receiver", settings.seven_host, settings.seven_port, "SEVEN_PORT")]
    if installation.brings_broker:
        processes.append(Listener("broker", "127.0.0.1", settings.seven_broker_port, "SEVEN_BROKER_PORT"))
    processes.append(Listener("console", *settings.console_address, "SEVEN_CONSOLE_ADDRESS"))
    processes.append(Listener("Flower", "127.0.0.1", settings.seven_flower_port, "SEVEN_FLOWER_PORT"))
    if installation.emulates:
        processes.append(Listener("emulator", "127.0.0.1", settings.emulator_port, "EMULATOR_PORT"))
    return processes


def broker_program(installation: Installation, lock: int) -> Program:
    """The broker, which holds the installation's lock as long as it lives. Raises broker.NoBroker."""
    command = broker.command(installation.settings.seven_broker_port, installation.broker)
    return Program("broker", command, {"PATH": os.defpath}, keeps=(lock,))


def our_programs(installation: Installation) -> list[Program]:
    """Receiver, worker, beat, console, Flower and, where somebody subscribes, the dispatcher."""
    settings = installation.settings
    receiver = (
        *_uvicorn("ingest.app:app", settings.seven_host, settings.seven_port),
        *("--ws", "none", "--no-server-header", "--timeout-graceful-shutdown", str(DRAIN_S)),
    )
    console = (
        *_uvicorn("console.app:app", *settings.console_address),
        *("--ws", "none", "--no-server-header", "--no-proxy-headers", "--timeout-graceful-shutdown", str(DRAIN_S)),
    )
    receiver_url = {"SEVEN_RECEIVER_URL": installation.receiver_url}
    flower = (
        *("flower", "--address=127.0.0.1", f"--port={settings.seven_flower_port}"),
        *("--persistent=True", f"--db={installation.flower}"),
    )
    keyless = _environment(installation, without=(*_API_KEY, *_ERASURE_KEY))
    without_proofs = (*_API_KEY, *_ERASURE_KEY, *_PROOFS)
    auth = settings.flower_basic_auth
    password = {} if auth is None else {"FLOWER_BASIC_AUTH": auth.get_secret_value()}
    worker = _celery("worker", "--without-gossip", "--without-mingle", "-n", "worker-1@%h")
    dispatcher = _celery("worker", "--without-gossip", "--without-mingle", "-Q", "reactions", "-n", "dispatcher-1@%h")
    subscribed = settings.seven_reactions_file is not None
    return [
        Program("receiver", receiver, keyless),
        Program("worker", worker, _environment(installation)),
        Program("beat", _celery("beat"), _environment(installation)),
        Program("console", console, {**_environment(installation, without=_GATEWAY), **receiver_url}),
        Program("flower", _celery(*flower), {**_environment(installation, without=without_proofs), **password}),
        *([Program("dispatcher", dispatcher, {**_environment(installation), **receiver_url})] if subscribed else []),
    ]


def emulator_program(installation: Installation) -> Program:
    """The emulator, without a scenario at its start: `up` requests one once receiver and hooks are ready."""
    gateway = {
        "EMULATOR_API_KEY": EMULATED_KEY,
        "EMULATOR_FIRST_STORY": "false",
        "EMULATOR_STATE_FILE": str(installation.emulator_file),
    }
    return Program(
        "emulator",
        (*_uvicorn("emulator.app:app", "127.0.0.1", installation.settings.emulator_port), "--no-access-log"),
        {**_environment(installation, without=_GATEWAY), **gateway},
    )


def _uvicorn(app: str, host: str, port: int) -> tuple[str, ...]:
    return sys.executable, "-m", "uvicorn", app, "--host", host, "--port", str(port)


def _celery(*arguments: str) -> tuple[str, ...]:
    return sys.executable, "-m", "celery", "-A", "workers.app", *arguments


def _environment(installation: Installation, without: tuple[str, ...] = ()) -> Mapping[str, str]:
    return {name: value for name, value in (os.environ | installation.environment()).items() if name not in without}
