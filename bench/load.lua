-- Records of jobs for the benchmark of the list, all of one shape; after common's index.lua.
-- ARGV: prefix, first, last (exclusive), how many there will be, when the newest was created (ms),
-- what lies between two (ms).
local prefix, total = ARGV[1], tonumber(ARGV[4])
local message = '{"v":1,"job_id":"%s","process_id":"%s","service":"default",' ..
  '"created":"2026-11-24T09:00:00Z","inputs":{"INPUT":{"kind":"inline","value":{"type":' ..
  '"FeatureCollection","features":[]}},"DISTANCE":{"kind":"inline","value":0.5}},"response":"raw"}'

local function state(number)
  if number >= total - 40 then return 'running' end
  if number % 1000 == 0 then return 'accepted' end
  if number % 50 == 1 then return 'failed' end
  if number % 100 == 2 then return 'dismissed' end
  return 'successful'
end

for number = ARGV[2], ARGV[3] - 1 do
  local h = number * 2654435761 % 4294967296
  local id = string.format('%08x-0000-4000-8000-%012x', h, number)
  local process = number % (total / 10) == 5 and 'bench:rare' or 'bench:p' .. h % 200
  local status, created = state(number), ARGV[5] - (total - number) * ARGV[6]
  local job = prefix .. 'job:' .. id
  redis.call('HSET', job, 'job_id', id, 'process_id', process, 'service', 'default', 'attempt', 1,
    'status', status, 'created', created, 'updated', created, 'published', 1,
    'request', string.format(message, id, process))
  for _, index in ipairs(indexes(prefix, status, process)) do
    redis.call('ZADD', index, created, id)
  end
  if status ~= 'accepted' then redis.call('HSET', job, 'started', created + 20) end
  if status ~= 'accepted' and status ~= 'running' then
    -- from 0.1 s to 3 h, each power of ten as often
    local ran = math.floor(100 * 10 ^ (h % 5001 / 1000))
    redis.call('HSET', job, 'finished', created + 20 + ran, 'progress', 100,
      'outcome', '{"status":"successful","outputs":{}}')
    redis.call('ZADD', span(prefix, ran), created, id)
    redis.call('ZADD', prefix .. 'jobs:x', created + 604800000, id)
  end
end
