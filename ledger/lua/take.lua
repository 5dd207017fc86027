-- Take batches in hand: what is in them, and how many others had them in hand and neither settled nor released them.
-- A batch that is pending and whose envelopes are not there can only be dropped. Counting must never hinder: a full
-- Redis refuses it, and a batch that is settled makes room.
--
-- KEYS  batches, in_hand, pending:<queue>, announced:<queue>
-- ARGV  incarnation, batch ids
-- Returns for each id what is stored (or nil), the number of others, and 1 where it was dropped.

local own, taken = ARGV[1], {}
for i = 2, #ARGV do
  local id = ARGV[i]
  local stored = redis.call('HGET', KEYS[1], id)
  if stored then
    local others = 0
    local told = redis.call('HGET', KEYS[2], id) or ''
    for one in string.gmatch(told, '%S+') do
      if one ~= own then others = others + 1 end
    end
    if not string.find(told, own, 1, true) then
      redis.pcall('HSET', KEYS[2], id, told .. ' ' .. own)
    end
    taken[i - 1] = {stored, others, 0}
  else
    redis.call('ZREM', KEYS[4], id)
    taken[i - 1] = {false, 0, redis.call('ZREM', KEYS[3], id)}
  end
end
return taken
