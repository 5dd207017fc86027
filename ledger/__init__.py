"""The ledger: where accepted deliveries are safe until they are rows, in Redis with `appendfsync always`.

The keyspace, all of it; the broker's own keys (Celery's) live beside it in the same database:

    seven:ledger              hash  `life`: 32 hex digits, new whenever Redis begins empty; `born_ms`; `probed_ms`
    seven:batches             hash  batch id → a header line, then envelopes, a line each or packed (`ledger/batch.py`)
    seven:pending:<queue>     zset  batch id → when it was accepted; the score never moves, the lowest is the oldest
    seven:announced:<queue>   zset  batch id → when it was last announced, at first when it was accepted
    seven:ordinals            hash  queue → the last ordinal given out, dense within a life
    seven:in_hand             hash  batch id → the incarnations of workers that took it and did not end it by now
    seven:alone               hash  batch id:ordinal → the same of one envelope of a suspect batch
    seven:isolating:<batch>   text  the incarnation that consumes a suspect batch now; expires
    seven:tokens              hash  fingerprint of a hook token → when it last brought a delivery of the gateway's; and
                                    token's@public URL's → when one came so, by its signature
    seven:receivers           set   ids of receivers that live, or lived a minute ago
    seven:receiver:<id>       text  which tokens that receiver accepts (`ledger/receivers.py`); expires after a minute
    seven:guards:<guard>      hash  what the receivers' guard said lately, for `doctor` (`ledger/verification_stats.py`)
    seven:last                hash  queue → when a delivery was last accepted
    seven:beats               zset  incarnation of a beat → its last tick; gone after a clean end, or an hour of silence
    seven:beats:sent          hash  task of the clock → when a beat last sent it, began or met Redis again; its period
    seven:hooks:<account>     text  what the last reconciling of its hooks left for the next (`gateway/hook_state.py`)
    seven:hooks:lock          text  held by the one that reconciles
    seven:audit               text  what the last audit on schedule found, for the metrics (`audit_schedule.py`)
    seven:audit:lock          text  held while one audits on schedule
    seven:retention           hash  `at_ms`, the end of the last pass; `removed:<table>`, `blanked:<table>`: rows so far
    seven:retention:lived     hash  boot of a machine → its clocks, and how long it had lived (`operations/uptime.py`)
    seven:retention:lock      text  held by the one that removes what is too old
    seven:retention:refused   text  why the last pass removed nothing: clocks disagree, or leapt; gone after a good one

Times are milliseconds by Redis' own clock. Only the scripts in `lua/` write deliveries: `accept.lua` (receiver),
`take.lua`, `release.lua`, `settle.lua` and `overdue.lua` (workers). Each is atomic, so a batch is in all of its places
or in none.

What holds it together: a batch leaves only by `settle`, after its rows are committed on disk; and its id is resent only
before anyone could have settled it (`ledger/writer.py`). Everything else may happen twice, or not at all.
"""
