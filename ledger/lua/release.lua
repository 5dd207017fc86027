-- Remove a worker from batches or envelopes: they were held, failed or survived, and the worker lives. Deaths of other
-- workers stay counted.
--
-- KEYS  in_hand or alone
-- ARGV  worker id, fields

for i = 2, #ARGV do
  local workers = redis.call('HGET', KEYS[1], ARGV[i])
  if workers then
    local others = {}
    for worker in string.gmatch(workers, '%S+') do
      if worker ~= ARGV[1] then table.insert(others, worker) end
    end
    if #others == 0 then
      redis.call('HDEL', KEYS[1], ARGV[i])
    else
      redis.pcall('HSET', KEYS[1], ARGV[i], table.concat(others, ' '))
    end
  end
end
return #ARGV - 1
