-- ARGV: session. Ends its lease.
redis.call('DEL', lease(ARGV[1]))
desert(ARGV[1])
return ''
