-- Accept one batch: its envelopes, its place among the pending, the next ordinals of its queue, its tokens' last use.
-- All or nothing, and once per batch id: for an id that is there already it returns the same header again. It then
-- writes all the same, without changing anything: WAIT waits for what its own connection has written, and confirms
-- at once where that is nothing.
--
-- KEYS  ledger, batches, ordinals, tokens, pending:<queue>, announced:<queue>, and for what the gateway sent: last
-- ARGV  batch id, queue, number of envelopes, a life for a ledger that has none, the header's fields on the envelopes
--       ("count":…, or "packed":…,"bytes":…), envelopes, fields of tokens...
-- Returns the batch's header line.

local known = redis.call('HGET', KEYS[2], ARGV[1])
if known then
  redis.call('HINCRBY', KEYS[3], ARGV[2], 0)
  return string.match(known, '^[^\n]*')
end

local time = redis.call('TIME')
local now = string.format('%.0f', time[1] * 1000 + math.floor(time[2] / 1000))

local life = redis.call('HGET', KEYS[1], 'life')
if not life then
  life = ARGV[4]
  redis.call('HSET', KEYS[1], 'life', life, 'born_ms', now)
end

local last = redis.call('HINCRBY', KEYS[3], ARGV[2], ARGV[3])
local header = string.format(
  '{"v":1,"queue":"%s","life":"%s","first":%.0f,%s,"accepted_ms":%s}',
  ARGV[2], life, last - ARGV[3] + 1, ARGV[5], now)

redis.call('HSET', KEYS[2], ARGV[1], header .. '\n' .. ARGV[6])
redis.call('ZADD', KEYS[5], now, ARGV[1])
redis.call('ZADD', KEYS[6], now, ARGV[1])
if KEYS[7] then
  redis.call('HSET', KEYS[7], ARGV[2], now)
end
for i = 7, #ARGV do
  redis.call('HSET', KEYS[4], ARGV[i], now)
end
return header
