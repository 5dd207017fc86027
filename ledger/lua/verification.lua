-- Record a verifier's results. A flaw restarts the count of deliveries without one.
--
-- KEYS  guards:<guard>
-- ARGV  mode, flaw or '', flaws from addresses that never sent a verified delivery, then for deliveries verified since:
--       verified by, how many, ...

local time = redis.call('TIME')
local now = string.format('%.0f', time[1] * 1000 + math.floor(time[2] / 1000))

redis.call('HSET', KEYS[1], 'mode', ARGV[1])
if ARGV[2] ~= '' then
  for _, name in ipairs(redis.call('HKEYS', KEYS[1])) do
    if string.sub(name, 1, 5) == 'held:' then
      redis.call('HDEL', KEYS[1], name)
    end
  end
  redis.call('HSET', KEYS[1], 'flaw', ARGV[2], 'flawed_ms', now)
  redis.call('HDEL', KEYS[1], 'foreign')
end
if ARGV[3] ~= '0' then
  redis.call('HINCRBY', KEYS[1], 'foreign', ARGV[3])
end
for i = 4, #ARGV, 2 do
  redis.call('HINCRBY', KEYS[1], 'held:' .. ARGV[i], ARGV[i + 1])
  redis.call('HSET', KEYS[1], 'last:' .. ARGV[i], now)
end
