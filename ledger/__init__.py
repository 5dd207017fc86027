"""The ledger: Redis, with `appendfsync always`, keeps accepted deliveries until they are rows.

The complete keyspace; the broker's keys (Celery's) are in the same database:

    seven:ledger              hash  `life`: 32 hex digits, new whenever Redis begins empty; `born_ms`; `probed_ms`
    seven:batches             hash  batch id → a header line, then envelopes, plain or compressed (`ledger/batch.py`)
    seven:pending:<queue>     zset  batch id → when it was accepted; the score never moves, the lowest is the oldest
    seven:announced:<queue>   zset  batch id → when it was last announced, at first when it was accepted
    seven:ordinals            hash  queue → the last ordinal given out, dense within a life
    seven:in_hand             hash  batch id → ids of the workers that took it and have not settled or released it
    seven:alone               hash  batch id:ordinal → the same for one envelope of a suspect batch
    seven:isolating:<batch>   text  lock of the worker that consumes a suspect batch now; expires
    seven:tokens              hash  fingerprint of a hook token → when it last brought a delivery of the gateway's; and
                                    token's@public URL's → the same for that URL, as the signature proves
    seven:receivers           set   ids of receivers that run, or ran a minute ago
    seven:receiver:<id>       text  which hooks it accepts (`ledger/receivers.py`); expires after a minute
    seven:guards:<guard>      hash  recent results of one verifier, for `doctor` (`ledger/verification_stats.py`)
    seven:last                hash  queue → when a delivery was last accepted
    seven:beats               zset  id of a beat → its last tick; removed on a clean exit, or after an hour of silence
    seven:beats:sent          hash  scheduled task → when a beat last sent it, started or regained Redis; its period
    seven:hooks:<account>     text  the reconciler's state between two runs (`gateway/hook_state.py`)
    seven:hooks:latest        text  the key of the state that was written last, for the console, which has no API key
    seven:hooks:lock          text  lease of the reconciler (`lease.py`)
    seven:balance:<account>   text  the account's balance when it was last read (`gateway/balance_state.py`); expires
    seven:balance:latest      text  the key of the balance that was written last, for the console
    seven:delivery_rate       text  counts of the last and earlier days, for the metrics (`delivery_rate_schedule.py`)
    seven:delivery_rate:lock  text  lease of the task that counts them
    seven:audit               text  result of the last scheduled audit, for the metrics (`audit_schedule.py`)
    seven:audit:lock          text  lease of the scheduled audit
    seven:public_url:<url>    text  result of the last scheduled probe of that public URL (`public_url_probe.py`)
    seven:retention           hash  `at_ms`, the end of the last pass; `removed:<table>`, `blanked:<table>`: rows so far
    seven:retention:lived     hash  boot of a machine → its clocks, and its uptime (`operations/uptime.py`)
    seven:retention:lock      text  lease of the retention pass
    seven:retention:refused   text  why the last pass removed nothing: clocks disagree, or jumped; removed by a good one
    seven:opt_outs            text  how far texts were scanned for opt-outs (`operations/opt_out_scan_schedule.py`)
    seven:opt_outs:lock       text  lease of that scan
    seven:changes:announced   text  dispatchers have been asked to look for changes; until one looks, a minute at most
    seven:journal:<account>   text  how far the gateway's journal was read (`operations/journal_state.py`)
    seven:journal:latest      text  the key of the state that was written last, for the console
    seven:journal:<account>:open:<event_type>  zset  id in the journal whose status was not final → when it was sent
    seven:journal:<account>:progress  text  how far a pass is that has not ended (`operations/journal_progress.py`)
    seven:journal:<account>:claim  text  a pass has begun; expires after a quarter of an hour
    seven:journal:missed      hash  event type → webhooks found to be missed so far
    seven:journal:missed:begun  text  those about to be written as missed, and not yet counted (`journal_count.py`)
    seven:journal:lock        text  lease of the reading of the journal

Times are milliseconds by Redis' own clock. Only the scripts in `lua/` write deliveries: `accept.lua` (receiver,
backfill), `take.lua`, `release.lua`, `settle.lua` and `overdue.lua` (workers). Each is atomic, so a batch is under all
of its keys or under none. A newer version may have queues of which this one knows nothing: `Ledger.queues` has them
all.

Two invariants: a batch leaves only by `settle`, after its rows are committed on disk; and its id is resent only before
a worker could have settled it (`ledger/writer.py`). Everything else may happen twice, or not at all.
"""
