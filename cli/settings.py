"""What the command line is told of the installation on this machine."""

from pathlib import Path
from typing import Annotated

from pydantic import Field, SecretStr

from runtime.settings import Environment, RedisUrl

Port = Annotated[int, Field(ge=1, le=65535)]


class HomeSettings(Environment):
    """The settings of an installation on one machine: what it uses, and where its processes listen."""

    redis_url: RedisUrl | None = Field(
        None, description="Redis or Valkey: ledger and broker, with appendfsync always; without it `up` starts one."
    )
    seven_data_dir: Path = Field(Path("data"), description="Where a single machine keeps its files.")
    seven_hook_token: SecretStr | None = Field(
        None, description="The secret in the hooks' URLs; without it `up` makes one and keeps it in SEVEN_DATA_DIR."
    )
    seven_api_key: SecretStr | None = Field(
        None, description="The account's API key; without it `up` starts the emulator as the gateway."
    )
    seven_public_url: str | None = Field(
        None, description="scheme://host[/prefix] as the gateway sees the receiver; several, comma-separated."
    )
    seven_hook_secret: SecretStr | None = Field(
        None, description="The secret in a header of our hooks; several, comma-separated."
    )
    seven_signing_key: SecretStr | None = Field(
        None, description="The account's signing key; several, comma-separated. Without it the emulator has one."
    )
    emulator_signing_key: SecretStr | None = Field(None, description="The key that the emulator signs with.")
    seven_host: str = Field("127.0.0.1", description="The address on which the receiver started by `up` listens.")
    seven_port: Port = Field(8000, description="The port of the receiver started by `up`.")
    seven_broker_port: Port = Field(16379, description="The port of the broker started by `up`, on 127.0.0.1.")
    seven_flower_port: Port = Field(5555, description="The port of the Flower started by `up`, on 127.0.0.1.")
    emulator_port: Port = Field(8077, description="The port of the emulator started by `up`, on 127.0.0.1.")
    seven_receiver_url: str | None = Field(
        None, description="Where commands ask the receivers how they are; without it SEVEN_HOST and SEVEN_PORT."
    )
    seven_flower_url: str | None = Field(
        None, description="Where `doctor` asks whether Flower lets anybody in; without it SEVEN_FLOWER_PORT."
    )
    flower_basic_auth: SecretStr | None = Field(
        None, description="name:password, or several, comma-separated, that Flower asks for."
    )
