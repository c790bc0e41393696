-- What a job's algorithm said in its present attempt, after so many lines. ARGV: prefix, id, attempt,
-- lines. Returns {attempt, how many lines there were in all, the lines that are kept of the rest…}.
local found = redis.call('HMGET', ARGV[1] .. 'job:' .. ARGV[2], 'attempt', 'lines')
local attempt, total = tonumber(found[1]) or 0, tonumber(found[2]) or 0
local after = attempt == tonumber(ARGV[3]) and tonumber(ARGV[4]) or 0
if after >= total then return {attempt, total} end
local log = ARGV[1] .. 'log:' .. ARGV[2]
local gone = total - redis.call('LLEN', log)
return {attempt, total, unpack(redis.call('LRANGE', log, math.max(0, after - gone), -1))}
