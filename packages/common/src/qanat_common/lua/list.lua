-- Jobs, newest first, that pass every filter.
-- ARGV: prefix, filter (JSON), limit, jobs looked at at most, cursor's created (or ''), cursor's id,
-- names of the fields…
-- Returns {JSON: the values of these fields of each job, created, id}: the last two are the cursor of
-- the next page, '' at the end.
local prefix, filter = ARGV[1], cjson.decode(ARGV[2])
local limit, cap = tonumber(ARGV[3]), tonumber(ARGV[4])
local below, last = tonumber(ARGV[5]), ARGV[6]
local max, min = filter.before or '+inf', filter.after or '-inf'
if below and (max == '+inf' or below < max) then max = below end
local shortest, longest = filter.shortest, filter.longest

-- The sets that hold all jobs of these states and processes, and no others.
local function by_kind()
  local found = {}
  for _, status in ipairs(filter.statuses or {false}) do
    for _, process in ipairs(filter.processes or {false}) do
      local name = 'jobs'
      if status and process then name = 'jobs:sp:' .. status .. ':' .. process
      elseif status then name = 'jobs:s:' .. status
      elseif process then name = 'jobs:p:' .. process end
      found[#found + 1] = prefix .. name
    end
  end
  return found
end

-- The sets that hold all jobs of these durations, and some of others.
local function by_duration()
  local found = {prefix .. 'jobs:s:running'}
  local _, first = span(prefix, shortest or 0)
  local _, final = span(prefix, longest or 2^45)
  for name = first, final do found[#found + 1] = prefix .. 'jobs:d:' .. name end
  return found
end

local function size(sets)
  local total = 0
  for _, set in ipairs(sets) do total = total + redis.call('ZCARD', set) end
  return total
end

local function among(value, values)
  if not values then return true end
  for _, one in ipairs(values) do
    if one == value then return true end
  end
  return false
end

-- The smallest sets that hold all jobs that pass; of each of these all else is looked at.
local now, timed = clock(), shortest or longest
local sets, covered = by_kind(), 'kind'
local others = {
  owner = filter.owner and {prefix .. 'jobs:o:' .. filter.owner},
  duration = timed and by_duration(),
}
for name, found in pairs(others) do
  if found and size(found) < size(sets) then sets, covered = found, name end
end
local kinds = (covered ~= 'kind' and (filter.statuses or filter.processes)
  or covered ~= 'owner' and filter.owner) and {'status', 'process_id', 'owner'} or {}

local function passes(id)
  if not timed and #kinds == 0 then return true end
  local job = redis.call('HMGET', prefix .. 'job:' .. id, 'started', 'finished', unpack(kinds))
  if timed then
    if not job[1] then return false end
    local ms = (job[2] or now) - job[1]
    if (shortest and ms < shortest) or (longest and ms > longest) then return false end
  end
  return #kinds == 0 or among(job[3], filter.statuses) and among(job[4], filter.processes)
    and (not filter.owner or job[5] == filter.owner)
end

-- A set, read from the newest on: `created` and `id` are its next job.
local step = math.min(math.max(8, math.ceil(2 * limit / #sets)), 500)
local function advance(set)
  repeat
    if set.at > #set.page then
      set.page = redis.call('ZREVRANGEBYSCORE', set.name, max, min, 'WITHSCORES', 'LIMIT', set.offset, step)
      set.offset, set.at = set.offset + step, 1
    end
    if #set.page == 0 then return false end
    set.id, set.created, set.at = set.page[set.at], tonumber(set.page[set.at + 1]), set.at + 2
  until not (below and set.created == below and set.id >= last)
  return true
end

-- The sets as a heap: the one whose next job is the newest comes first.
local heap = {}
local function newer(a, b) return a.created > b.created or (a.created == b.created and a.id > b.id) end
local function sink(at)
  while true do
    local top, left = at, 2 * at
    for child = left, left + 1 do
      if heap[child] and newer(heap[child], heap[top]) then top = child end
    end
    if top == at then return end
    heap[at], heap[top], at = heap[top], heap[at], top
  end
end
for _, name in ipairs(sets) do
  local set = {name = name, page = {}, at = 1, offset = 0}
  if advance(set) then heap[#heap + 1] = set end
end
for at = math.floor(#heap / 2), 1, -1 do sink(at) end

local found, seen = {}, 0
local function answer(created, id)
  return {#found > 0 and cjson.encode(found) or '[]', created, id}
end
while heap[1] do
  local set = heap[1]
  local id, created = set.id, set.created
  if passes(id) then
    found[#found + 1] = redis.call('HMGET', prefix .. 'job:' .. id, unpack(ARGV, 7))
  end
  seen = seen + 1
  if not advance(set) then
    heap[1] = heap[#heap]
    heap[#heap] = nil
  end
  sink(1)
  if heap[1] and (#found == limit or seen == cap) then
    return answer(string.format('%.0f', created), id)
  end
end
return answer('', '')
