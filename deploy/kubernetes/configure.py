"""Configure: lays out a `.env` for Kustomize, as `setup` does for Docker Compose.

    configure.py ENV_FILE
    configure.py ENV_FILE users    with users of its own for each process (users/)

It checks the settings and writes `config/` beside this file: a Secret for each process, of files with one value each;
the ConfigMap `settings` of all that is no secret; and what is in SEVEN_REACTIONS_DIRECTORY. Passwords that `.env` lacks
are made, once: keep the directory as you keep `.env`. A warning names what has no effect here. Exit code 2 and
a line per fault, and then nothing is written.
"""

import json
import os
import runpy
import shutil
import string
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

from runtime.env_file import read_env_file
from runtime.settings.machine import ComposeSettings, MachineSettings
from runtime.settings.registry import NAMES, declared, secret_names
from runtime.settings.users import URLS
from seven.opt_out_words_file import read_opt_out_words

SETUP = Path(__file__).parents[1] / "setup.py"
DIRECTORY = Path(__file__).parent / "config"

DEFAULTS = {
    "SEVEN_LOG_FORMAT": "json",
    # NetworkPolicies let only a proxy reach receiver and console; most clusters give it a private address.
    "SEVEN_TRUSTED_PROXIES": "10.0.0.0/8,172.16.0.0/12,192.168.0.0/16,fc00::/7",
    "SEVEN_LINGER_S": "10",  # until kube-proxy and an ingress controller have forgotten a receiver that ends
}
"""What is not as the program has it, unless `.env` sets it."""
OF_PODS = {"SEVEN_DATA_DIR", "PROMETHEUS_MULTIPROC_DIR", "SEVEN_METRICS_ADDRESS", "SEVEN_REACTIONS_FILE"}
"""What the manifests set for each process, or what has no meaning in a container."""
OF_MACHINES = {name for name, _ in declared([MachineSettings, ComposeSettings])}
SETTINGS = NAMES - secret_names() - OF_MACHINES - OF_PODS
"""What `.env` may set for all processes."""


LARGEST_SECRET = 190_000
"""Bytes: in base64 the most that `kubectl apply` remembers of an object, 256 KiB with names and the rest."""
NAMES_OF_SECRETS = frozenset(string.ascii_letters + string.digits + "-_.")


class ConfigurationError(ValueError):
    """What cannot be laid out, a line per fault. None quotes a value."""

    def __init__(self, *faults: str) -> None:
        super().__init__("\n".join(faults))
        self.faults = faults


def main(env_file: Path, directory: Path = DIRECTORY, *, users: bool = False) -> int:
    """Check, and write. Returns the exit code."""
    directory.mkdir(mode=0o700, exist_ok=True)
    if not users and (directory / "migrate").exists():
        sys.stderr.write(
            f"configuration: {directory.name}/ has users for each process: make kubernetes ARGS=users; "
            "or remove beat, cli and migrate there\n"
        )
        return 2
    try:
        values, written = read_settings(env_file)
        mounted = reactions(values, env_file.parent)
    except ConfigurationError as error:
        sys.stderr.write("".join(f"configuration: {fault}\n" for fault in error.faults))
        return 2
    if code := runpy.run_path(str(SETUP))["main"](env_file, directory, users=users):
        return int(code)
    fill(directory / "settings", written)
    fill(directory / "reactions-directory", mounted)
    (directory / "kustomization.yaml").write_text(kustomization(directory), "utf-8")
    if names := ignored(values, directory):
        sys.stderr.write(f"warning: without effect in Kubernetes: {', '.join(names)}\n")
    return 0


def read_settings(env_file: Path) -> tuple[Mapping[str, str], dict[str, bytes]]:
    """All that `.env` sets, and the settings of the ConfigMap. Raises ConfigurationError."""
    try:
        values, _ = read_env_file(env_file)
        written = dict(settings(values, env_file.parent))
        read_opt_out_words(written.get("SEVEN_OPT_OUT_WORDS", b"").decode())
    except OSError as error:
        raise ConfigurationError(f"SEVEN_OPT_OUT_WORDS_FILE: {os.strerror(error.errno or 0).lower()}") from None
    except UnicodeDecodeError:
        raise ConfigurationError(".env, or the file of SEVEN_OPT_OUT_WORDS_FILE, is not UTF-8") from None
    except ValueError as error:
        raise ConfigurationError(f"SEVEN_OPT_OUT_WORDS_FILE: {error}") from None
    return values, written


def settings(values: Mapping[str, str], base: Path) -> Iterator[tuple[str, bytes]]:
    """Each setting that is no secret, with its value; that of a NAME_FILE is what is in the file."""
    for name in sorted(SETTINGS):
        if value := values.get(name) or DEFAULTS.get(name):
            yield name, value.encode()
        elif file := values.get(f"{name}_FILE"):
            yield name, (base / file).read_bytes()
    for name in sorted(values.keys() - SETTINGS):
        if name.startswith("OTEL_") and not name.endswith("_FILE") and name not in secret_names():
            yield name, values[name].encode()  # what OpenTelemetry's library reads itself


def ignored(values: Mapping[str, str], directory: Path) -> list[str]:
    """What `.env` sets and no process gets: of compose alone, set by the manifests, or no setting at all."""
    used = {"SEVEN_REACTIONS_DIRECTORY", *URLS, *(file.name.upper() for file in directory.glob("*/*"))}
    used |= {f"{name}_FILE" for name in used}
    return sorted(name for name, value in values.items() if value and name not in used)


def reactions(values: Mapping[str, str], base: Path) -> dict[str, bytes]:
    """The files of SEVEN_REACTIONS_DIRECTORY: `reactions.toml`, functions, secrets of targets.

    Hidden files, backups of editors and what Python compiled are left out. Raises ConfigurationError.
    """
    setting = "SEVEN_REACTIONS_DIRECTORY"
    directory = base / (values.get(setting) or "reactions.d")
    if values.get(setting) and not directory.is_dir():
        raise ConfigurationError(f"{setting}: there is no such directory")
    entries = [each for each in sorted(directory.glob("*")) if not is_by_product(each.name)]
    if wrong := [f"{setting}: {each.name}: {fault}" for each in entries if (fault := secret_fault(each))]:
        raise ConfigurationError(*wrong)
    if (size := sum(file.stat().st_size for file in entries)) > LARGEST_SECRET:
        raise ConfigurationError(f"{setting}: {size:,} bytes in all; a Secret takes {LARGEST_SECRET:,}")
    return {file.name: file.read_bytes() for file in entries}


def is_by_product(name: str) -> bool:
    """Whether a file is a by-product: hidden, a backup, or compiled."""
    return name.startswith(".") or name.endswith("~") or name == "__pycache__"


def secret_fault(file: Path) -> str | None:
    """Why a Secret cannot have a file; None if it can."""
    if not file.is_file():
        return "a Secret has only files: move what it has into SEVEN_REACTIONS_DIRECTORY itself"
    if not set(file.name) <= NAMES_OF_SECRETS:
        return "a name in a Secret has only letters of ASCII, digits, '-', '_' and '.'"
    return None if os.access(file, os.R_OK) else "it cannot be read"


def fill(directory: Path, files: Mapping[str, bytes]) -> None:
    """Make a directory hold these files alone."""
    shutil.rmtree(directory, ignore_errors=True)
    directory.mkdir(mode=0o700)
    for name, content in files.items():
        (directory / name).write_bytes(content)


def kustomization(directory: Path) -> str:
    """Generators of what was written: new values get new names, so that an apply starts new pods."""
    lines = ["# Written by configure.py.", "apiVersion: kustomize.config.k8s.io/v1beta1", "kind: Kustomization"]
    secrets = sorted(part.name for part in directory.iterdir() if part.is_dir() and part.name != "settings")
    for kind, names in (("configMapGenerator", ["settings"]), ("secretGenerator", secrets)):
        lines.append(f"{kind}:")
        for name in names:
            files = sorted(f"{name}/{file.name}" for file in (directory / name).iterdir())
            lines += [f"  - name: {name}", f"    files: {json.dumps(files)}"]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), users=sys.argv[2:] == ["users"]))
