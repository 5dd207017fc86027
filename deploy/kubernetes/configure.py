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
    # NetworkPolicies let nobody but a proxy reach receiver and console; most clusters give it a private address.
    "SEVEN_TRUSTED_PROXIES": "10.0.0.0/8,172.16.0.0/12,192.168.0.0/16,fc00::/7",
    "SEVEN_LINGER_S": "10",  # until kube-proxy and an ingress controller have forgotten a receiver that ends
}
"""What is not as the program has it, unless `.env` sets it."""
OF_PODS = {"SEVEN_DATA_DIR", "PROMETHEUS_MULTIPROC_DIR", "SEVEN_METRICS_ADDRESS", "SEVEN_REACTIONS_FILE"}
"""What the manifests set for each process, or what has no meaning in a container."""
OF_MACHINES = {name for name, _ in declared([MachineSettings, ComposeSettings])}
SETTINGS = NAMES - secret_names() - OF_MACHINES - OF_PODS
"""What `.env` may set for all processes."""


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
        values, _ = read_env_file(env_file)
        written = dict(settings(values, env_file.parent))
        read_opt_out_words(written.get("SEVEN_OPT_OUT_WORDS", b"").decode())
    except OSError as error:
        sys.stderr.write(f"configuration: SEVEN_OPT_OUT_WORDS_FILE: {os.strerror(error.errno or 0).lower()}\n")
        return 2
    except UnicodeDecodeError:
        sys.stderr.write("configuration: .env, or the file of SEVEN_OPT_OUT_WORDS_FILE, is not UTF-8\n")
        return 2
    except ValueError as error:
        sys.stderr.write(f"configuration: SEVEN_OPT_OUT_WORDS_FILE: {error}\n")
        return 2
    if code := runpy.run_path(str(SETUP))["main"](env_file, directory, users=users):
        return int(code)
    fill(directory / "settings", written)
    fill(directory / "reactions-directory", reactions(values, env_file.parent))
    (directory / "kustomization.yaml").write_text(kustomization(directory), "utf-8")
    if names := ignored(values, directory):
        sys.stderr.write(f"warning: without effect in Kubernetes: {', '.join(names)}\n")
    return 0


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
    """The files of SEVEN_REACTIONS_DIRECTORY: `reactions.toml`, functions, secrets of targets."""
    directory = base / values.get("SEVEN_REACTIONS_DIRECTORY", "reactions.d")
    return {file.name: file.read_bytes() for file in sorted(directory.glob("*")) if file.is_file()}


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
