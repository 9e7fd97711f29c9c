-- ARGV: account, sessions. Takes it off their lists.
for i = 2, #ARGV do strike(ARGV[i], ARGV[1]) end
return ''
