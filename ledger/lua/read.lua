-- Read batches, from the first on as many as fit into so many bytes, and at least one: to copy all that is asked for
-- could keep Redis from everybody else for a second.
--
-- KEYS  batches
-- ARGV  bytes, 'header' or 'whole', batch ids
-- Returns for each id that was read its header line, or all that is stored; nil where nothing is.

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
