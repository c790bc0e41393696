-- Create the record of an accepted job; nothing happens when it is known already, or was removed.
-- KEYS: job, gone. ARGV: prefix, id, process, service, request, created (ms, or '' for now),
-- queue or ''.
if redis.call('EXISTS', KEYS[1]) == 1 or redis.call('EXISTS', KEYS[2]) == 1 then return 0 end
local now = clock()
local created = tonumber(ARGV[6]) or now
redis.call('HSET', KEYS[1], 'job_id', ARGV[2], 'process_id', ARGV[3], 'service', ARGV[4],
  'status', 'accepted', 'created', created, 'updated', now, 'attempt', 0, 'request', ARGV[5])
for _, index in ipairs(indexes(ARGV[1], 'accepted', ARGV[3])) do
  redis.call('ZADD', index, created, ARGV[2])
end
redis.call('ZADD', waiting(ARGV[1], ARGV[4]), created, ARGV[2])
if ARGV[7] ~= '' then redis.call('HSET', KEYS[1], 'queue', ARGV[7]) end
return 1
