-- Find out whether the ledger takes writes: not from what the server says of itself, but by one.
--
-- KEYS  ledger

return redis.call('HSET', KEYS[1], 'probed_ms', redis.call('TIME')[1] * 1000)
