-- Whether the broker has the message of a job, and in which queue. KEYS: job. ARGV: 1 or 0, queue or ''.
if redis.call('EXISTS', KEYS[1]) == 0 then return 0 end
redis.call('HSET', KEYS[1], 'published', ARGV[1])
if ARGV[2] ~= '' then redis.call('HSET', KEYS[1], 'queue', ARGV[2]) end
return 1
