-- Take batches in hand: what is in them, and how often each was begun and not ended, this time included.
-- A batch that is pending and whose envelopes are not there can only be dropped. Counting must never hinder: a full
-- Redis refuses it, and a batch that is settled makes room.
--
-- KEYS  batches, starts, pending:<queue>, announced:<queue>
-- ARGV  batch ids
-- Returns for each id what is stored (or nil), the starts, and 1 where it was dropped.

local taken = {}
for i, id in ipairs(ARGV) do
  local stored = redis.call('HGET', KEYS[1], id)
  if stored then
    local starts = redis.pcall('HINCRBY', KEYS[2], id, 1)
    taken[i] = {stored, type(starts) == 'number' and starts or 0, 0}
  else
    redis.call('ZREM', KEYS[4], id)
    taken[i] = {false, 0, redis.call('ZREM', KEYS[3], id)}
  end
end
return taken
