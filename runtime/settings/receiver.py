"""Settings of the receiver alone."""

from pydantic import ByteSize, Field

from runtime.settings.proxies import ProxySettings
from runtime.settings.types import Mode


class ReceiverSettings(ProxySettings):
    """What the receiver verifies, accepts and bounds."""

    seven_signature_mode: Mode | None = Field(
        None,
        description="Signatures of deliveries, made with SEVEN_SIGNING_KEY for the hook's URL (SEVEN_PUBLIC_URL): "
        "off; observe: verify, count, and accept all; enforce: 401 for a delivery that fails, which is kept in "
        "quarantine. Default: observe with a key, off without. `seven-ingest doctor` says when it is safe to enforce.",
    )
    seven_signature_age_s: float = Field(
        4 * 86_400.0,
        ge=0,
        description="Seconds for which a signature is valid: retries come for 3.5 days with their first.",
    )
    seven_signature_ahead_s: float = Field(
        300.0, ge=0, description="Seconds that a signature may be in the future, since clocks differ."
    )
    seven_hook_secret_mode: Mode = Field(
        "observe", description="The hooks' secret header: off, observe or enforce, as with signatures."
    )
    seven_patience_s: float = Field(
        10.0,
        gt=0,
        description="Seconds for a request's head, and for its body, to arrive. The gateway gives up after 5.",
    )
    seven_stranger_rate: float = Field(
        100.0, gt=0, description="Answers per second to one address without a valid token; beyond it answers wait."
    )
    seven_stranger_connections: int = Field(
        64,
        ge=1,
        description="Connections of one address that have not shown a valid token; beyond it the oldest are closed.",
    )
    seven_body_limit: ByteSize = Field(
        ByteSize(64 * 1024),
        description="The largest delivery, body and query together. Beyond it: 413, and its first 4 KiB are kept.",
    )
    seven_accept_deadline_s: float = Field(
        2.0,
        gt=0,
        le=4,
        description="Seconds for the ledger to confirm a delivery, then 503. The gateway gives up an attempt after 5.",
    )
    seven_linger_s: float = Field(
        0.0,
        ge=0,
        le=60,
        description="Seconds for which a receiver that gets SIGTERM still accepts, not ready by `/readyz` and "
        "closing each connection: longer than a load balancer needs to notice. Its supervisor waits for 25 s more.",
    )
    seven_batch_size: int = Field(256, ge=1, le=5000, description="Most deliveries in one batch.")
    seven_waiting_limit: ByteSize = Field(
        ByteSize(32 * 1024**2), description="Bytes that may wait for the ledger in one receiver; beyond it 503."
    )
    seven_parked_limit: ByteSize = Field(
        ByteSize(256 * 1024**2),
        description="Bytes of deliveries not understood that one receiver keeps per hour; beyond it 429, which the "
        "gateway retries.",
    )
    seven_parked_most: int = Field(1_000_000, ge=0, description="The same as a number of deliveries.")
    seven_quarantined_limit: ByteSize = Field(
        ByteSize(64 * 1024**2),
        description="Bytes of quarantined deliveries that one receiver keeps per hour; beyond it 429.",
    )
    seven_quarantined_most: int = Field(100_000, ge=0, description="The same as a number of deliveries.")
