-- Say that one envelope is alone in hand, before it is touched. Counting must never hinder: a full Redis refuses it, and
-- an envelope that becomes a row makes room.
--
-- KEYS  alone
-- ARGV  incarnation, batch id:ordinal
-- Returns how many others had it alone in hand and never said that they survived it.

local others = 0
local told = redis.call('HGET', KEYS[1], ARGV[2]) or ''
for one in string.gmatch(told, '%S+') do
  if one ~= ARGV[1] then others = others + 1 end
end
if not string.find(told, ARGV[1], 1, true) then
  redis.pcall('HSET', KEYS[1], ARGV[2], told .. ' ' .. ARGV[1])
end
return others
