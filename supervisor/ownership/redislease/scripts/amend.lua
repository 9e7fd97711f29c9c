-- ARGV: session, record. Changes a node's record; false if its lease is over.
if not redis.call('SET', lease(ARGV[1]), ARGV[2], 'XX', 'KEEPTTL') then return false end
changed(ARGV[1])
return ''
