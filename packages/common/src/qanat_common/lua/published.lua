-- The broker has taken the message of a job. KEYS: job.
if redis.call('EXISTS', KEYS[1]) == 1 then redis.call('HSET', KEYS[1], 'published', 1) end
return 1
