-- Goes before the scripts that append: adds events, and lets go of old ones. The contract is in redis.py.
-- Bodies are ARGV[first] to ARGV[last]; `meta` counts all that were ever added, so that readers see what is gone.
local function add_events(meta, events, seq, kept_ms, most, first, last)
  if last < first then return end
  local id
  for i = first, last do
    id = redis.call('XADD', events, '*', 'seq', string.format('%.0f', seq), 'event', ARGV[i])
  end
  local oldest = math.max(0, tonumber(string.match(id, '^%d+')) - tonumber(kept_ms))
  redis.call('XTRIM', events, 'MINID', string.format('%.0f', oldest))
  redis.call('XTRIM', events, 'MAXLEN', most)
  redis.call('HSET', meta, 'event', id)
  redis.call('HINCRBY', meta, 'events', last - first + 1)
end
