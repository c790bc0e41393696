-- Create the record of an accepted job; nothing happens when it is known already, or was removed.
-- KEYS: job, gone. ARGV: prefix, id, process, service, request, created (ms, or '' for now).
if redis.call('EXISTS', KEYS[1]) == 1 or redis.call('EXISTS', KEYS[2]) == 1 then return 0 end
local now = clock()
local created = tonumber(ARGV[6]) or now
redis.call('HSET', KEYS[1], 'job_id', ARGV[2], 'process_id', ARGV[3], 'service', ARGV[4],
  'status', 'accepted', 'created', created, 'updated', now, 'attempt', 0, 'request', ARGV[5])
for _, index in ipairs(indexes(ARGV[1], 'accepted', ARGV[3])) do
  redis.call('ZADD', index, created, ARGV[2])
end
return 1
