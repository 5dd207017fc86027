"""What workers and beat are told of their surroundings."""

from pathlib import Path

from pydantic import Field, SecretStr

from ledger.settings import LedgerSettings


class WorkerSettings(LedgerSettings):
    """The settings of a worker, and of beat."""

    database_url: SecretStr | None = Field(
        None, description="sqlite:///… or postgresql://…; without it a SQLite file in SEVEN_DATA_DIR."
    )
    seven_data_dir: Path = Field(Path("data"), description="Where a single machine keeps its files.")
    seven_worker_threads: int = Field(4, ge=1, le=64, description="Batches that one worker consumes at a time.")
    seven_sweep_s: float = Field(10.0, gt=0, description="Seconds between two sweeps for batches left waiting.")
    seven_overdue_s: float = Field(
        30.0, ge=10, description="Seconds after which a batch is announced again; far above the accept deadline."
    )
    seven_sweep_limit: int = Field(
        10_000, ge=1, description="Batches of a queue announced again at once; none while as many are announced."
    )

    @property
    def store_url(self) -> str:
        """The database to use."""
        if self.database_url is not None:
            return self.database_url.get_secret_value()
        return f"sqlite:///{self.seven_data_dir.resolve() / 'seven.db'}"
