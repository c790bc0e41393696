-- What became of a notice: try again in so many milliseconds, or ('') forget it.
-- ARGV: prefix, notice, milliseconds or ''.
local set, tries = ARGV[1] .. 'notices', ARGV[1] .. 'notices:tries'
if ARGV[3] == '' then
  redis.call('HDEL', tries, ARGV[2])
  return redis.call('ZREM', set, ARGV[2])
end
return redis.call('ZADD', set, 'XX', clock() + ARGV[3], ARGV[2])
