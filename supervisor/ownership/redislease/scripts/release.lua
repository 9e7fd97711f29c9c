-- ARGV: account, session. Moves it from the session's list to that of nobody.
strike(ARGV[2], ARGV[1])
redis.call('SADD', accounts(''), ARGV[1])
if redis.call('SADD', base .. 'deserted', '') == 1 then changed('') end
return ''
