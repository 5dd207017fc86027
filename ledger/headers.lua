-- The header lines of batches, without their envelopes: an audit of a million batches must not move their payloads.
--
-- KEYS  batches
-- ARGV  batch ids
-- Returns for each id its header line, or nil.

local headers = {}
for i, id in ipairs(ARGV) do
  local stored = redis.call('HGET', KEYS[1], id)
  headers[i] = stored and string.match(stored, '^[^\n]*') or false
end
return headers
