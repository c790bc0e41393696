-- Take a record away with all its traces. KEYS: job.
-- ARGV: prefix, id, seconds for which its id is remembered as gone.
return take_away(ARGV[1], ARGV[2], ARGV[3])
