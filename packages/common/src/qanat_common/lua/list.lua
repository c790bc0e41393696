-- Ids of jobs, newest first, that pass every filter; from the smallest index that covers one.
-- ARGV: prefix, filter (JSON), limit, records looked at at most, cursor's created (or ''), cursor's id.
-- Returns {ids, created, id}: the last two are the cursor of the next page, '' at the end.
local prefix, filter = ARGV[1], cjson.decode(ARGV[2])
local limit, cap = tonumber(ARGV[3]), tonumber(ARGV[4])
local below, last = ARGV[5], ARGV[6]
local max = filter.before or '+inf'
if below ~= '' and (max == '+inf' or tonumber(below) < tonumber(max)) then max = below end
local min = filter.after or '-inf'

local indexes, base, size = {prefix .. 'jobs'}, nil, nil
if filter.statuses and #filter.statuses == 1 then
  indexes[#indexes + 1] = prefix .. 'jobs:s:' .. filter.statuses[1]
end
if filter.processes and #filter.processes == 1 then
  indexes[#indexes + 1] = prefix .. 'jobs:p:' .. filter.processes[1]
end
for _, index in ipairs(indexes) do
  local count = redis.call('ZCARD', index)
  if not size or count < size then base, size = index, count end
end

local function set(values)
  if not values then return nil end
  local found = {}
  for _, value in ipairs(values) do found[value] = true end
  return found
end
local statuses, processes = set(filter.statuses), set(filter.processes)
local t = redis.call('TIME')
local now = t[1] * 1000 + math.floor(t[2] / 1000)

local function passes(id)
  if not (statuses or processes or filter.shortest or filter.longest) then return true end
  local job = redis.call('HMGET', prefix .. 'job:' .. id, 'status', 'process_id', 'started', 'finished')
  if statuses and not statuses[job[1]] then return false end
  if processes and not processes[job[2]] then return false end
  if filter.shortest or filter.longest then
    if not job[3] then return false end
    if not job[4] and job[1] ~= 'running' then return false end
    local duration = (tonumber(job[4]) or now) - tonumber(job[3])
    if filter.shortest and duration < filter.shortest then return false end
    if filter.longest and duration > filter.longest then return false end
  end
  return true
end

local ids, seen, offset = {}, 0, 0
while true do
  local page = redis.call('ZREVRANGEBYSCORE', base, max, min, 'WITHSCORES', 'LIMIT', offset, 200)
  if #page == 0 then return {ids, '', ''} end
  for i = 1, #page, 2 do
    local id, created = page[i], page[i + 1]
    if not (below ~= '' and tonumber(created) == tonumber(below) and id >= last) then
      if passes(id) then ids[#ids + 1] = id end
      seen = seen + 1
      if #ids == limit or seen == cap then return {ids, created, id} end
    end
  end
  offset = offset + 200
end
