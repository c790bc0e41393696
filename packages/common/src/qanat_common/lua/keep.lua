-- Say how long jobs are kept from now on, and promise it to those that ended before anybody had.
-- ARGV: prefix, milliseconds or '' for ever, how many jobs at most, the time (ms, or '' for now).
-- Returns to how many.
local prefix, keep = ARGV[1], ARGV[2]
if keep == '' then
  redis.call('DEL', prefix .. 'keep')
  return 0
end
redis.call('SET', prefix .. 'keep', keep)
local expires = (tonumber(ARGV[4]) or clock()) + keep
local ids = redis.call('ZRANGEBYSCORE', prefix .. 'jobs:x', '+inf', '+inf', 'LIMIT', 0, ARGV[3])
for _, id in ipairs(ids) do
  redis.call('ZADD', prefix .. 'jobs:x', expires, id)
  redis.call('HSET', prefix .. 'job:' .. id, 'expires', expires)
end
return #ids
