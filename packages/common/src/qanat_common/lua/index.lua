-- What the scripts share that change or read jobs; it stands before each of them. Where a job is listed:
-- Sorted sets by time of creation: all jobs, those of a state, of a process, of both, of a duration.
local function indexes(prefix, status, process)
  return {prefix .. 'jobs', prefix .. 'jobs:s:' .. status, prefix .. 'jobs:p:' .. process,
    prefix .. 'jobs:sp:' .. status .. ':' .. process}
end

-- The set of jobs that ended after so many milliseconds: one for each power of two of seconds.
local function span(prefix, ms)
  local name, edge = 0, 1000
  while ms >= edge do name, edge = name + 1, edge * 2 end
  return prefix .. 'jobs:d:' .. name, name
end

-- Jobs of a service that no worker has begun, by time of creation.
local function waiting(prefix, service)
  return prefix .. 'jobs:w:' .. service
end

local function relist(prefix, id, created, process, from, to)
  redis.call('ZREM', prefix .. 'jobs:s:' .. from, id)
  redis.call('ZREM', prefix .. 'jobs:sp:' .. from .. ':' .. process, id)
  for _, index in ipairs(indexes(prefix, to, process)) do
    redis.call('ZADD', index, created, id)
  end
end

local function clock()
  local t = redis.call('TIME')
  return t[1] * 1000 + math.floor(t[2] / 1000)
end

-- Somebody is to be told of a job, if somebody wants to be.
local function notify(prefix, id, occasion, now)
  local tells = redis.call('HGET', prefix .. 'job:' .. id, 'tells')
  if tells and string.find(tells, occasion, 1, true) then
    redis.call('ZADD', prefix .. 'notices', now, occasion .. ':' .. id)
  end
end

local function unnotify(prefix, id, occasion)
  redis.call('ZREM', prefix .. 'notices', occasion .. ':' .. id)
  redis.call('HDEL', prefix .. 'notices:tries', occasion .. ':' .. id)
end

-- Take a record away with all its traces; its id is remembered as gone for so many seconds.
local function take_away(prefix, id, seconds)
  local job = prefix .. 'job:' .. id
  local found = redis.call('HMGET', job, 'status', 'process_id', 'started', 'finished', 'service', 'owner')
  if not found[1] then return 0 end
  redis.call('DEL', job, prefix .. 'log:' .. id)
  for _, occasion in ipairs({'success', 'failure', 'progress'}) do unnotify(prefix, id, occasion) end
  local sets = indexes(prefix, found[1], found[2])
  sets[#sets + 1] = prefix .. 'jobs:x'
  sets[#sets + 1] = waiting(prefix, found[5])
  if found[3] and found[4] then sets[#sets + 1] = span(prefix, found[4] - found[3]) end
  if found[6] then
    sets[#sets + 1] = prefix .. 'jobs:o:' .. found[6]
    redis.call('SREM', prefix .. 'jobs:u:' .. found[6], id)
  end
  for _, set in ipairs(sets) do redis.call('ZREM', set, id) end
  redis.call('SET', prefix .. 'gone:' .. id, 1, 'EX', seconds)
  return 1
end
