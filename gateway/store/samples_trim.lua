-- Let go of samples up to a slot that the database has. The newest one stays: a sampler goes on from it.
-- KEYS  samples, samples_thinned
-- ARGV  slot
local newest = redis.call('XREVRANGE', KEYS[1], '+', '-', 'COUNT', 1)[1]
redis.call('XTRIM', KEYS[2], 'MINID', string.format('%.0f', tonumber(ARGV[1]) + 1))
if not newest then return 0 end
local kept = math.min(tonumber(ARGV[1]) + 1, tonumber(string.match(newest[1], '^%d+')))
return redis.call('XTRIM', KEYS[1], 'MINID', string.format('%.0f', kept))
