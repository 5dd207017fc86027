-- Record that a worker is about to process one envelope alone. Recording must never block processing: a full Redis
-- refuses the record, and an envelope that becomes a row frees memory.
--
-- KEYS  alone
-- ARGV  worker id, batch id:ordinal
-- Returns how many other workers began the envelope and never reported that they survived it.

local others = 0
local workers = redis.call('HGET', KEYS[1], ARGV[2]) or ''
for worker in string.gmatch(workers, '%S+') do
  if worker ~= ARGV[1] then others = others + 1 end
end
if not string.find(workers, ARGV[1], 1, true) then
  redis.pcall('HSET', KEYS[1], ARGV[2], workers .. ' ' .. ARGV[1])
end
return others
