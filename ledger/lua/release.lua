-- Let go of what was in hand: it was held, or failed, or survived, and who had it lives. Others' deaths stay counted.
--
-- KEYS  in_hand or alone
-- ARGV  incarnation, fields

for i = 2, #ARGV do
  local told = redis.call('HGET', KEYS[1], ARGV[i])
  if told then
    local others = {}
    for one in string.gmatch(told, '%S+') do
      if one ~= ARGV[1] then table.insert(others, one) end
    end
    if #others == 0 then
      redis.call('HDEL', KEYS[1], ARGV[i])
    else
      redis.pcall('HSET', KEYS[1], ARGV[i], table.concat(others, ' '))
    end
  end
end
return #ARGV - 1
