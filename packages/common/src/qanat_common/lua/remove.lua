-- Take a record away with all its traces. KEYS: job, gone, log.
-- ARGV: prefix, id, seconds for which its id is remembered as gone.
local found = redis.call('HMGET', KEYS[1], 'status', 'process_id')
if not found[1] then return 0 end
redis.call('DEL', KEYS[1], KEYS[3])
for _, index in ipairs({'jobs', 'jobs:s:' .. found[1], 'jobs:p:' .. found[2]}) do
  redis.call('ZREM', ARGV[1] .. index, ARGV[2])
end
redis.call('SET', KEYS[2], 1, 'EX', ARGV[3])
return 1
