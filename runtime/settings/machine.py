"""Settings of one machine: where `up` lets processes listen, whom commands ask; and of docker compose."""

from pydantic import Field, SecretStr

from runtime.settings.console import ConsoleAddressSettings
from runtime.settings.environment import Environment
from runtime.settings.types import HttpUrl, Key, Logins, Port


class ReceiverUrlSettings(Environment):
    """Where the receiver is reached from within."""

    seven_receiver_url: HttpUrl | None = Field(
        None,
        description="Where `status`, `send` and the console reach the receiver; default: SEVEN_PORT. Docker compose "
        "sets it.",
    )


class MachineSettings(ReceiverUrlSettings, ConsoleAddressSettings):
    """Where processes listen, and where commands reach them."""

    seven_host: str = Field(
        "127.0.0.1", description="Where the receiver listens. All others always listen on 127.0.0.1."
    )
    seven_port: Port = Field(8000, description="The receiver's port.")
    seven_broker_port: Port = Field(16379, description="The port of the broker that `make up` starts.")
    seven_flower_port: Port = Field(5555, description="Flower's port.")
    emulator_port: Port = Field(8077, description="The emulator's port.")
    seven_flower_url: HttpUrl | None = Field(
        None, description="Where `doctor` asks Flower; default: SEVEN_FLOWER_PORT. Docker compose sets it."
    )
    flower_basic_auth: Logins | None = Field(
        None,
        description="name:password that Flower asks for, the password of 8 or more characters; several, "
        "comma-separated. Docker compose does not start without it.",
    )


class ReplicaSettings(Environment):
    """How many containers of a kind docker compose runs; `status` compares."""

    ingest_replicas: int = Field(
        1, ge=0, description="How many receivers run. Set it here: --scale at one `up` holds until the next."
    )
    worker_replicas: int = Field(1, ge=0, description="How many workers run. Set it here as well.")


class ComposeSettings(ReplicaSettings):
    """What docker compose and its setup container read."""

    postgres_password: SecretStr | None = Field(
        None,
        description="Password of compose's own PostgreSQL; without it one is made, once. With a DATABASE_URL above, "
        "that server is used instead.",
    )
    redis_password: SecretStr | None = Field(
        None,
        description="Password of compose's own Redis; without it one is made, once. `new,old` during a rotation. "
        "With a REDIS_URL above, that server is used instead.",
    )
    proxy_domain: str | None = Field(
        None, description="With deploy/tls.yml: the host in SEVEN_PUBLIC_URL, for its certificate."
    )
    seven_reactions_directory: str = Field(
        "./reactions.d",
        description="What the profile `reactions` mounts for its process alone, read-only: reactions.toml, and beside "
        "it functions and secrets of targets. The path begins with / or ./.",
    )
    ingest_version: str = Field("local", description="The tag of the images, so that an upgrade can be taken back.")


class EmulatorKeySettings(Environment):
    """The key that the emulator signs with; `up` needs it to have its deliveries verified."""

    emulator_signing_key: Key | None = Field(
        None,
        description="The key that deliveries are signed with; a signed request to /api must then be signed with it.",
    )
