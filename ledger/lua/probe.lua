-- Test whether the ledger takes writes, by a write.
--
-- KEYS  ledger

return redis.call('HSET', KEYS[1], 'probed_ms', redis.call('TIME')[1] * 1000)
