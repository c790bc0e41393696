-- Which of these jobs have no record. ARGV: prefix, ids…
local found = {}
for i = 2, #ARGV do
  if redis.call('EXISTS', ARGV[1] .. 'job:' .. ARGV[i]) == 0 then found[#found + 1] = ARGV[i] end
end
return found
