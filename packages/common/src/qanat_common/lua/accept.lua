-- Create the record of an accepted job; nothing happens when it is known already, or was removed.
-- KEYS: job, gone. ARGV: prefix, id, process, service, request, created (ms, or '' for now),
-- queue or '', owner or '', how many jobs may wait, how many unfinished ones an owner may have ('': any),
-- occasions of which somebody wants to be told (success, failure, progress; separated by blanks).
-- Returns 1; 0 when it is known or was removed; -1 when too many wait; -2 when its owner has too many.
if redis.call('EXISTS', KEYS[1]) == 1 or redis.call('EXISTS', KEYS[2]) == 1 then return 0 end
local owner, room, most = ARGV[8], tonumber(ARGV[9]), tonumber(ARGV[10])
if room and redis.call('ZCARD', ARGV[1] .. 'jobs:s:accepted') >= room then return -1 end
local unfinished = ARGV[1] .. 'jobs:u:' .. owner
if most and owner ~= '' and redis.call('SCARD', unfinished) >= most then return -2 end
local now = clock()
local created = tonumber(ARGV[6]) or now
redis.call('HSET', KEYS[1], 'job_id', ARGV[2], 'process_id', ARGV[3], 'service', ARGV[4],
  'status', 'accepted', 'created', created, 'updated', now, 'attempt', 0, 'request', ARGV[5])
if ARGV[11] ~= '' then redis.call('HSET', KEYS[1], 'tells', ARGV[11]) end
for _, index in ipairs(indexes(ARGV[1], 'accepted', ARGV[3])) do
  redis.call('ZADD', index, created, ARGV[2])
end
redis.call('ZADD', waiting(ARGV[1], ARGV[4]), created, ARGV[2])
if ARGV[7] ~= '' then redis.call('HSET', KEYS[1], 'queue', ARGV[7]) end
if owner ~= '' then
  redis.call('HSET', KEYS[1], 'owner', owner)
  redis.call('ZADD', ARGV[1] .. 'jobs:o:' .. owner, created, ARGV[2])
  redis.call('SADD', unfinished, ARGV[2])
end
return 1
