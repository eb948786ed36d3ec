-- Say that no bridge is there, while no lease exists: the link's keys say so, every other key is stale, in a new epoch.
-- KEYS  meta, latest, changes, lease, events
-- ARGV  epoch, batch, stream length, entry's set (nothing), link/state as the caller saw it ('' = none),
--       events kept in ms, most events, number of events,
--       then the events, and key and reading (flag and stem, with a time) of each link key, the state first
local HEAD, CHUNK, LEAP = 8, 2000, 1000000  -- unpack() fails somewhere below 8,000
local LIVE, STALE = '0', '1'

if redis.call('EXISTS', KEYS[4]) == 1 then return {'led', 0} end
local meta = redis.call('HMGET', KEYS[1], 'epoch', 'fence', 'seq')
if not meta[1] then return {'epoch_missing', 0} end

local function says(stored, reading)  -- whether it is the same value, whenever it came: a time has 9 bytes
  return stored and string.sub(stored, 1, #reading - 9) == string.sub(reading, 1, -10)
end

local fields, first_pair = {}, HEAD + tonumber(ARGV[8]) + 1
local state = redis.call('HGET', KEYS[2], ARGV[first_pair]) or ''
local is_news = not says(state, ARGV[first_pair + 1])
if is_news then
  if state ~= ARGV[5] then return {'moved', 0} end  -- the events tell of another change
  for i = first_pair, #ARGV, 2 do
    if not says(redis.call('HGET', KEYS[2], ARGV[i]), ARGV[i + 1]) then
      fields[#fields + 1], fields[#fields + 2] = ARGV[i], ARGV[i + 1]
    end
  end
end
local latest = redis.call('HGETALL', KEYS[2])
for i = 1, #latest, 2 do
  local stored = latest[i + 1]
  if string.sub(stored, 1, 1) == LIVE and string.sub(latest[i], 1, 5) ~= 'link/' then
    fields[#fields + 1], fields[#fields + 2] = latest[i], STALE .. string.sub(stored, 2, -10)  -- without its seq
  end
end
if #fields == 0 then return {'told', 0} end

-- not the newest entry: a stream that was trimmed empty still refuses lower ids
local newest_seq = 0
local info = redis.call('EXISTS', KEYS[3]) == 1 and redis.call('XINFO', 'STREAM', KEYS[3]) or {}
for i = 1, #info, 2 do
  if info[i] == 'last-generated-id' then newest_seq = tonumber(string.match(info[i + 1], '^%d+')) end
end
local seq = math.max(tonumber(meta[3]), newest_seq) + LEAP
local text = string.format('%.0f', seq)
redis.call('XADD', KEYS[3], 'MAXLEN', '~', ARGV[3], text .. '-0', 'epoch', ARGV[1], 'set', ARGV[4])  -- wakes readers
redis.call('HSET', KEYS[1], 'epoch', ARGV[1], 'seq', text, 'batch', ARGV[2], 'opened_batch', ARGV[2], 'opened_seq', text,
  'fence', string.format('%.0f', (tonumber(meta[2]) or 0) + 1))  -- whoever led is refused from here on

local seq_bytes = '\207' .. struct.pack('>I8', seq)  -- msgpack uint 64
for i = 2, #fields, 2 do
  fields[i] = fields[i] .. seq_bytes
end
for i = 1, #fields, CHUNK do
  redis.call('HSET', KEYS[2], unpack(fields, i, math.min(i + CHUNK - 1, #fields)))
end
if is_news then add_events(KEYS[1], KEYS[5], seq, ARGV[6], ARGV[7], HEAD + 1, first_pair - 1) end
return {'ok', seq}
