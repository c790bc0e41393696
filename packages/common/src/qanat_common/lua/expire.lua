-- Take away jobs that have expired; their files are still to be taken away, and so they are doomed.
-- ARGV: prefix, the time (ms, or '' for now), how many at most, seconds for which an id is
-- remembered as gone.
-- Returns ids of doomed jobs, of this call and of earlier ones.
local prefix, now, most = ARGV[1], tonumber(ARGV[2]) or clock(), tonumber(ARGV[3])
local room = most - redis.call('SCARD', prefix .. 'doomed')
if room > 0 then
  for _, id in ipairs(redis.call('ZRANGEBYSCORE', prefix .. 'jobs:x', '-inf', now, 'LIMIT', 0, room)) do
    take_away(prefix, id, ARGV[4])
    redis.call('SADD', prefix .. 'doomed', id)
  end
end
return redis.call('SRANDMEMBER', prefix .. 'doomed', most)
