"""Settings of traces: OpenTelemetry's own names. Its library reads further ones, such as OTEL_BSP_MAX_QUEUE_SIZE."""

from pydantic import Field, SecretStr

from runtime.settings.environment import Environment
from runtime.settings.types import reveal

PROTOCOL = "http/protobuf"


class TraceSettings(Environment):
    """Where traces are exported, and which. No value of them keeps a process from starting."""

    otel_exporter_otlp_endpoint: str | None = Field(
        None,
        description="The collector that gets a trace of each delivery, by OTLP over HTTP, such as "
        "http://127.0.0.1:4318; without it, and without OTEL_TRACES_EXPORTER, there are no traces. Needs "
        "seven-ingest[otel], which the images have. docs/tracing.md has more.",
    )
    otel_exporter_otlp_traces_endpoint: str | None = Field(
        None, description="The same for traces alone, as a whole URL: http://127.0.0.1:4318/v1/traces."
    )
    otel_exporter_otlp_headers: SecretStr | None = Field(
        None, description="Headers for the collector: name=value, comma-separated; a secret, for it may be a key."
    )
    otel_exporter_otlp_traces_headers: SecretStr | None = Field(
        None, description="The same for traces alone; the other is not read then."
    )
    otel_exporter_otlp_protocol: str = Field(PROTOCOL, description="The only one that is built in.")
    otel_traces_exporter: str | None = Field(
        None, description="otlp or none. Without an endpoint otlp exports to http://localhost:4318."
    )
    otel_traces_sampler: str = Field(
        "parentbased_always_on",
        description="Which deliveries have a trace; traceidratio for a share of them. A delivery has it in every "
        "process or in none, as long as all have the same sampler.",
    )
    otel_traces_sampler_arg: str | None = Field(
        None, description="With traceidratio the share, from 0 to 1, such as 0.01."
    )
    otel_service_name: str | None = Field(
        None, description="The name of the service; by default seven-ingest-receiver, -worker or -dispatcher."
    )
    otel_resource_attributes: str | None = Field(
        None, description="What every span says of its process: key=value, comma-separated."
    )
    otel_sdk_disabled: str | None = Field(None, description="true: no traces, whatever else is set.")

    @property
    def exports_traces(self) -> bool:
        """Whether traces are wanted."""
        exporter = (self.otel_traces_exporter or "").strip().lower()
        is_disabled = (self.otel_sdk_disabled or "").strip().lower() == "true"
        endpoint = self.otel_exporter_otlp_endpoint or self.otel_exporter_otlp_traces_endpoint
        return bool(exporter or endpoint) and exporter != "none" and not is_disabled

    @property
    def trace_fault(self) -> str | None:
        """Why they cannot be exported as it is wanted; without the value, which may be anything."""
        if (self.otel_traces_exporter or "otlp").strip().lower() != "otlp":
            return "OTEL_TRACES_EXPORTER is neither otlp nor none"
        if self.otel_exporter_otlp_protocol.strip().lower() != PROTOCOL:
            return f"OTEL_EXPORTER_OTLP_PROTOCOL is not {PROTOCOL}"
        return None

    @property
    def trace_share(self) -> float:
        """The share of deliveries that is sampled, as OpenTelemetry's library reads it: all where it is unreadable."""
        sampler = self.otel_traces_sampler.strip().lower().removeprefix("parentbased_")  # no delivery has a parent
        if sampler != "traceidratio":
            return 0.0 if sampler == "always_off" else 1.0
        try:
            share = float(self.otel_traces_sampler_arg or 1.0)
        except ValueError:
            return 1.0
        return share if 0 <= share <= 1 else 1.0

    @property
    def trace_headers(self) -> str:
        """Headers for the collector, as they are written in the environment."""
        return reveal(self.otel_exporter_otlp_traces_headers or self.otel_exporter_otlp_headers) or ""
