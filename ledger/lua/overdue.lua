-- Return the batches whose announcement is overdue, oldest first, and mark them as announced now. A batch announced in
-- the future is overdue, too: Redis' clock has been set back since, and it must not wait until that clock catches up.
-- Bounded twice: a limit per call, and none while the queue is long, so that hours of outage multiply nothing.
--
-- KEYS  announced:<queue>, the broker's list of that queue
-- ARGV  overdue after (ms), limit, none while the list is longer than this
-- Returns batch ids.

if redis.call('LLEN', KEYS[2]) > tonumber(ARGV[3]) then
  return {}
end

local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local overdue = redis.call('ZRANGEBYSCORE', KEYS[1], '-inf',
  string.format('%.0f', now - ARGV[1]), 'LIMIT', 0, ARGV[2])
if #overdue < tonumber(ARGV[2]) then
  local ahead = redis.call('ZRANGEBYSCORE', KEYS[1], string.format('(%.0f', now), '+inf',
    'LIMIT', 0, ARGV[2] - #overdue)
  for _, batch in ipairs(ahead) do
    overdue[#overdue + 1] = batch
  end
end
for _, batch in ipairs(overdue) do
  redis.call('ZADD', KEYS[1], 'XX', string.format('%.0f', now), batch)
end
return overdue
