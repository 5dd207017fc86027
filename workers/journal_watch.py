"""Journal watch: reads the gateway's journal on the clock, in a thread of its own, since a long list takes an hour.

Of all workers one reads at a time; it is begun again after a quarter of an hour if it failed, and at once after a loss
of the ledger, since the journal also knows what Redis took with it.
"""

import threading
from contextlib import suppress

from redis.exceptions import RedisError
from sqlalchemy import Connection, select
from sqlalchemy.exc import SQLAlchemyError

from gateway.api import Api, GatewayFailure
from gateway.factory import Account
from gateway.journal_client import JournalClient
from ledger import keyspace
from ledger.client import Ledger
from ledger.lease import LeaseLost, leased
from operations.backfill import Announce, JournalOffer
from operations.journal_pass import JournalPass, PassOptions, PassResult
from operations.journal_presence import last_tallied
from operations.journal_state import JournalStates
from operations.projection_options import options_by
from operations.sent_messages import SentMessages
from runtime.logs import logger
from runtime.redis_errors import redis_reason
from runtime.trusted_time import ClocksDisagree
from seven.events import QUEUES
from store.error_reasons import database_reason
from store.row_writer import Refused, Store, StoreAway
from store.schema import ledger_marks
from workers.settings import WorkerSettings

log = logger("seven.journal")

LOOK_S = 60.0
"""Seconds between two looks at whether the journal is to be read."""
AGAIN_S = 900
"""Seconds from one beginning to the next at least."""


class Stopped(Exception):  # noqa: N818 - the worker ends, which is no error
    """The worker ends; the next pass reads the same again."""


class JournalWatch:
    """Makes the passes of one worker process."""

    def __init__(
        self,
        account: Account,
        ledger: Ledger,
        store: Store,
        offer: JournalOffer,
        options: PassOptions,
        *,
        rate: float,
        every_s: float,
        sent: SentMessages | None = None,
    ) -> None:
        """`rate`: requests a second; `every_s`: seconds from the end of a pass to the next.

        `sent` keeps what the outbound list has of sent messages.
        """
        self._sent = sent.write if sent else None
        self._account, self._ledger, self._store, self._offer = account, ledger, store, offer
        self._options, self._rate, self._every_s = options, rate, every_s
        self._states = JournalStates(ledger.redis, account.identity)
        self._thread: threading.Thread | None = None
        self._stopped = threading.Event()

    def look(self) -> None:
        """Begin a pass if it is time, unless another worker does. Raises redis.RedisError."""
        if self._thread is not None and self._thread.is_alive():
            return
        has_lost, is_time = self._is_due()
        if (has_lost or is_time) and self._states.claim(AGAIN_S):
            self._thread = threading.Thread(target=self._try, args=(has_lost,), name="journal", daemon=True)
            self._thread.start()

    def stop(self, timeout_s: float = 5.0) -> None:
        """End a pass that is under way."""
        self._stopped.set()
        if self._thread is not None:
            self._thread.join(timeout_s)

    def run(self, client: JournalClient, *, at_once: bool = False) -> PassResult | None:
        """Make one pass; None where another worker makes one, or it must wait. Raises what a pass raises."""
        journal = JournalPass(self._ledger, self._store, client, self._states, self._offer)
        if journal.must_wait():
            log.info("the journal waits: deliveries are pending for long")
            return None
        with leased(self._ledger.redis, keyspace.JOURNAL_LOCK) as lease:
            if lease is None:
                return None

            def check() -> None:
                lease.check()
                if self._stopped.is_set():
                    raise Stopped

            result = journal.run(self._options, check, self._stopped.wait, at_once=at_once)
        log.info(
            "journal read",
            rows=result.rows,
            requests=result.requests,
            absent=result.absent,
            missed=result.newly_missed,
            fetched=result.fetched,
        )
        return result

    def _try(self, at_once: bool) -> None:
        """Make one pass; whatever fails is logged, and tried again later."""
        account = self._account
        try:
            with Api(account.api_url, account.api_key or "", account.signing_key) as api:
                self.run(JournalClient(api, self._rate, sleep=self._sleep, sent=self._sent), at_once=at_once)
        except (GatewayFailure, ClocksDisagree) as failure:
            log.warning("the journal could not be read", cause=str(failure))
            with suppress(RedisError):
                self._states.fail(str(failure))
        except (StoreAway, Refused, LeaseLost, Stopped) as error:
            log.warning("the reading of the journal ended early", cause=str(error) or type(error).__name__)
        except SQLAlchemyError as error:
            log.warning("the reading of the journal ended early", cause=database_reason(error))
        except RedisError as error:
            log.warning("the reading of the journal ended early", cause=redis_reason(error))
        except Exception:
            log.exception("the reading of the journal failed")

    def _sleep(self, seconds: float) -> None:
        """Sleep that long, or until the worker ends."""
        if self._stopped.wait(seconds):
            raise Stopped

    def _is_due(self) -> tuple[bool, bool]:
        """Whether the ledger has lost something since the last pass, and whether it is time for one."""
        state, figures = self._states.load(), self._ledger.figures(QUEUES)
        try:
            with self._store.engine.connect().execution_options(reads=True) as connection:
                tallied = last_tallied(connection)
                had_others = state.ended_ms is None and _had_other_lives(connection, figures.life)
        except SQLAlchemyError:
            return False, False  # nothing can be compared without it
        if state.ended_ms is None:
            return had_others, True
        age_s = figures.now.timestamp() - state.ended_ms / 1000
        has_lost = tallied != state.tallied or figures.life not in (None, state.life)
        return has_lost, not 0 <= age_s < self._every_s


def _had_other_lives(connection: Connection, life: str | None) -> bool:
    """Whether the database knows another life of the ledger: Redis has lost its state, too."""
    c = ledger_marks.c
    return connection.execute(select(c.ledger).where(c.ledger != (life or "")).limit(1)).first() is not None


def journal_watch(settings: WorkerSettings, ledger: Ledger, store: Store, announce: Announce) -> JournalWatch:
    """The watch of a worker with these settings."""
    sent = SentMessages(store.engine, store.register, settings, texts=settings.seven_journal_texts)
    return JournalWatch(
        settings.account,
        ledger,
        store,
        JournalOffer(ledger, announce, settings.seven_sweep_limit, settings.seven_ledger_limit),
        PassOptions(settings.journal_days, settings.seven_backfill_mode == "apply", options_by(settings)),
        rate=settings.seven_journal_rate,
        every_s=settings.seven_backfill_s,
        sent=sent if settings.seven_journal_sent else None,
    )
