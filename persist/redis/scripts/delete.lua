-- Deletes the records of a scope. UNLINK takes the keys away at once and frees
-- their memory in the background, so that nobody waits, however much there was.
--
-- KEYS[1] is the generation's, the others are those of all tables. ARGV[1] is the
-- writer's generation, or nothing if none is asked for.
--
-- Answers nothing when done, else the stored generation.

if ARGV[1] ~= '' then
	local stored = redis.call('GET', KEYS[1])
	if stored ~= ARGV[1] then
		return stored or '0'
	end
end
redis.call('UNLINK', unpack(KEYS, 2))
return false
