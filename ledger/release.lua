-- Release batches that are not settled: they were held, or failed, and whoever had them in hand lives.
--
-- KEYS  starts
-- ARGV  batch ids

for _, id in ipairs(ARGV) do
  local starts = redis.call('HGET', KEYS[1], id)
  if starts and tonumber(starts) > 1 then
    redis.pcall('HINCRBY', KEYS[1], id, -1)
  else
    redis.call('HDEL', KEYS[1], id)
  end
end
return #ARGV
