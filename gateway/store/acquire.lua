-- Take the lease, or prolong one's own; answers the fence, 0 when another holds it.
-- KEYS  lease, meta
-- ARGV  holder, lease in ms, known fence
local holder = redis.call('GET', KEYS[1])
if holder and holder ~= ARGV[1] then return 0 end
local stored, known = tonumber(redis.call('HGET', KEYS[2], 'fence')) or 0, tonumber(ARGV[3])
local fence = stored
if not holder or known > stored or stored == 0 then  -- the last two: the store lost what it once gave out
  fence = math.max(stored, known) + 1
  redis.call('HSET', KEYS[2], 'fence', string.format('%.0f', fence))  -- from here on the former leader is refused
end
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
return fence
