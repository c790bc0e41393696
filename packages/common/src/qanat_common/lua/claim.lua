-- A worker takes a job: one attempt more, a new token.
-- KEYS: job, gone. ARGV: prefix, id, token, boot, attempts at most.
-- Returns {word, attempt}: claimed, ended, gone, busy, exhausted, unknown.
if redis.call('EXISTS', KEYS[2]) == 1 then return {'gone', 0} end
local status = redis.call('HGET', KEYS[1], 'status')
if not status then return {'unknown', 0} end
local attempt = tonumber(redis.call('HGET', KEYS[1], 'attempt'))
if status ~= 'accepted' and status ~= 'running' then return {'ended', attempt} end
if status == 'running' then
  local boot = redis.call('HGET', KEYS[1], 'boot')
  if redis.call('EXISTS', ARGV[1] .. 'worker:' .. boot) == 1 then return {'busy', attempt} end
end
if attempt >= tonumber(ARGV[5]) then return {'exhausted', attempt} end
local now = clock()
local created = tonumber(redis.call('HGET', KEYS[1], 'created'))
redis.call('HSET', KEYS[1], 'status', 'running', 'token', ARGV[3], 'boot', ARGV[4],
  'attempt', attempt + 1, 'started', math.max(now, created), 'updated', math.max(now, created),
  'progress', 0, 'lines', 0)
redis.call('HDEL', KEYS[1], 'message')
redis.call('ZREM', waiting(ARGV[1], redis.call('HGET', KEYS[1], 'service')), ARGV[2])
relist(ARGV[1], ARGV[2], created, redis.call('HGET', KEYS[1], 'process_id'), status, 'running')
redis.call('DEL', ARGV[1] .. 'log:' .. ARGV[2])
notify(ARGV[1], ARGV[2], 'progress', now)
redis.call('PUBLISH', ARGV[1] .. 'events', cjson.encode({job_id = ARGV[2], status = 'running'}))
return {'claimed', attempt + 1}
