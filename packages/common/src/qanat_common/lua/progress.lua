-- Progress of a running job, and what its algorithm said, by the holder of its token.
-- KEYS: job, log. ARGV: prefix, id, token, progress (or ''), message (or ''), lines kept, entries…
-- Returns 1, or 0 when the job is not (any longer) this holder's to run.
if redis.call('HGET', KEYS[1], 'status') ~= 'running'
  or redis.call('HGET', KEYS[1], 'token') ~= ARGV[3] then return 0 end
redis.call('HSET', KEYS[1], 'updated', clock())
if ARGV[5] ~= '' then redis.call('HSET', KEYS[1], 'message', ARGV[5]) end
for i = 7, #ARGV do redis.call('RPUSH', KEYS[2], ARGV[i]) end
if #ARGV > 6 then
  redis.call('LTRIM', KEYS[2], -tonumber(ARGV[6]), -1)
  redis.call('HINCRBY', KEYS[1], 'lines', #ARGV - 6)
end
if ARGV[4] ~= '' then redis.call('HSET', KEYS[1], 'progress', ARGV[4]) end
local progress = tonumber(redis.call('HGET', KEYS[1], 'progress') or 0)
redis.call('PUBLISH', ARGV[1] .. 'events',
  cjson.encode({job_id = ARGV[2], status = 'running', progress = progress}))
return 1
