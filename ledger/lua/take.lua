-- Take batches in flight: return them, and how many other workers took each and neither settled nor released it.
-- A pending batch without envelopes is dropped. Recording must never block processing: a full Redis refuses the record,
-- and a settled batch frees memory.
--
-- KEYS  batches, in_hand, pending:<queue>, announced:<queue>
-- ARGV  worker id, batch ids
-- Returns for each id the stored bytes (or nil), the number of other workers, and 1 where it was dropped.

local own, taken = ARGV[1], {}
for i = 2, #ARGV do
  local id = ARGV[i]
  local stored = redis.call('HGET', KEYS[1], id)
  if stored then
    local others = 0
    local workers = redis.call('HGET', KEYS[2], id) or ''
    for worker in string.gmatch(workers, '%S+') do
      if worker ~= own then others = others + 1 end
    end
    if not string.find(workers, own, 1, true) then
      redis.pcall('HSET', KEYS[2], id, workers .. ' ' .. own)
    end
    taken[i - 1] = {stored, others, 0}
  else
    redis.call('ZREM', KEYS[4], id)
    taken[i - 1] = {false, 0, redis.call('ZREM', KEYS[3], id)}
  end
end
return taken
