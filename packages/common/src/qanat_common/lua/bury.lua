-- The files of a doomed job are gone. ARGV: prefix, id.
return redis.call('SREM', ARGV[1] .. 'doomed', ARGV[2])
