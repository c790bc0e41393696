-- A job ends: successful or failed by the holder of its token; failed or dismissed by anyone ('').
-- KEYS: job. ARGV: prefix, id, token or '', status, outcome or '', message or ''.
-- Returns 1, or 0 when it had ended before, is another's, or is unknown.
local status = redis.call('HGET', KEYS[1], 'status')
if status ~= 'accepted' and status ~= 'running' then return 0 end
if ARGV[3] ~= '' and redis.call('HGET', KEYS[1], 'token') ~= ARGV[3] then return 0 end
local created = tonumber(redis.call('HGET', KEYS[1], 'created'))
local started = tonumber(redis.call('HGET', KEYS[1], 'started'))
local now = math.max(clock(), started or created)
redis.call('HSET', KEYS[1], 'status', ARGV[4], 'finished', now, 'updated', now)
if ARGV[5] ~= '' then redis.call('HSET', KEYS[1], 'outcome', ARGV[5]) end
if ARGV[6] ~= '' then redis.call('HSET', KEYS[1], 'message', ARGV[6]) end
if ARGV[4] == 'successful' then redis.call('HSET', KEYS[1], 'progress', 100) end
redis.call('ZREM', waiting(ARGV[1], redis.call('HGET', KEYS[1], 'service')), ARGV[2])
local owner = redis.call('HGET', KEYS[1], 'owner')
if owner then redis.call('SREM', ARGV[1] .. 'jobs:u:' .. owner, ARGV[2]) end
relist(ARGV[1], ARGV[2], created, redis.call('HGET', KEYS[1], 'process_id'), status, ARGV[4])
if started then redis.call('ZADD', span(ARGV[1], now - started), created, ARGV[2]) end
unnotify(ARGV[1], ARGV[2], 'progress')
notify(ARGV[1], ARGV[2], ARGV[4] == 'successful' and 'success' or 'failure', now)
local keep = tonumber(redis.call('GET', ARGV[1] .. 'keep'))
if keep then redis.call('HSET', KEYS[1], 'expires', now + keep) end
redis.call('ZADD', ARGV[1] .. 'jobs:x', keep and now + keep or '+inf', ARGV[2])
local progress = tonumber(redis.call('HGET', KEYS[1], 'progress') or 0)
redis.call('PUBLISH', ARGV[1] .. 'events',
  cjson.encode({job_id = ARGV[2], status = ARGV[4], progress = progress}))
return 1
