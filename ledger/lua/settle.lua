-- Settle batches whose rows are on disk: they leave the ledger. The script only deletes, so a full Redis allows it.
--
-- KEYS  batches, pending:<queue>, announced:<queue>, in_hand
-- ARGV  batch ids
-- Returns how many of them were still there.

local settled = redis.call('HDEL', KEYS[1], unpack(ARGV))
redis.call('ZREM', KEYS[2], unpack(ARGV))
redis.call('ZREM', KEYS[3], unpack(ARGV))
redis.call('HDEL', KEYS[4], unpack(ARGV))
return settled
