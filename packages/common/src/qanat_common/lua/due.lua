-- Notices that are due, each taken for so long: nobody else gets it meanwhile, and all may later.
-- ARGV: prefix, milliseconds they are taken for, how many at most. Returns {notice, which try}….
local now, found = clock(), {}
local set, tries = ARGV[1] .. 'notices', ARGV[1] .. 'notices:tries'
for _, notice in ipairs(redis.call('ZRANGEBYSCORE', set, '-inf', now, 'LIMIT', 0, ARGV[3])) do
  redis.call('ZADD', set, now + ARGV[2], notice)
  found[#found + 1] = {notice, redis.call('HINCRBY', tries, notice, 1)}
end
return found
