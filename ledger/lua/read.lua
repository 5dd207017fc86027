-- Read batches in order until a limit of bytes is reached, at least one: copying all of them could block Redis for a
-- second.
--
-- KEYS  batches
-- ARGV  limit (bytes), 'header' or 'whole', batch ids
-- Returns for each id that was read its header line, or all stored bytes; nil where nothing is stored.

local left, read = tonumber(ARGV[1]), {}
for i = 3, #ARGV do
  left = left - redis.call('HSTRLEN', KEYS[1], ARGV[i])
  if left < 0 and i > 3 then break end
  local stored = redis.call('HGET', KEYS[1], ARGV[i])
  if stored and ARGV[2] == 'header' then
    stored = string.match(stored, '^[^\n]*')
  end
  read[i - 2] = stored
end
return read
