-- Compare and append: one ingest window of a fenced writer. The contract is in redis.py.
-- KEYS  meta, latest, changes, events
-- ARGV  epoch, fence, expected seq, batch, stream length, entry's set, entry's removed ('' = none),
--       events kept in ms, most events, number of events, number of pairs,
--       then the events, key and reading (flag and stem) of each pair, and the removed keys
local HEAD, CHUNK = 11, 2000  -- unpack() fails somewhere below 8,000

local meta = redis.call('HMGET', KEYS[1], 'epoch', 'fence', 'seq', 'batch')
if not meta[1] then return {'epoch_missing', 0} end
if meta[1] ~= ARGV[1] or meta[2] ~= ARGV[2] then return {'not_leader', 0} end
local stored, expected = tonumber(meta[3]), tonumber(ARGV[3])
if stored == expected + 1 and meta[4] == ARGV[4] then return {'ok', stored} end  -- it had arrived
if stored ~= expected then return {'data_lost', stored} end

local seq = expected + 1
local fields = {'epoch', ARGV[1], 'set', ARGV[6]}
if ARGV[7] ~= '' then
  fields[5], fields[6] = 'removed', ARGV[7]
end
local id = string.format('%.0f-0', seq)
local added = redis.pcall('XADD', KEYS[3], 'MAXLEN', '~', ARGV[5], id, unpack(fields))
if added.err then
  if string.find(added.err, 'equal or smaller', 1, true) then return {'data_lost', stored} end  -- meta fell behind it
  return added
end
redis.call('HSET', KEYS[1], 'seq', string.format('%.0f', seq), 'batch', ARGV[4])

local first_pair = HEAD + tonumber(ARGV[10]) + 1
local first_removed = first_pair + 2 * tonumber(ARGV[11])
local seq_bytes = '\207' .. struct.pack('>I8', seq)  -- msgpack uint 64
for i = first_pair + 1, first_removed - 1, 2 do
  ARGV[i] = ARGV[i] .. seq_bytes
end
for i = first_pair, first_removed - 1, CHUNK do
  redis.call('HSET', KEYS[2], unpack(ARGV, i, math.min(i + CHUNK, first_removed) - 1))
end
for i = first_removed, #ARGV, CHUNK do
  redis.call('HDEL', KEYS[2], unpack(ARGV, i, math.min(i + CHUNK - 1, #ARGV)))
end
add_events(KEYS[1], KEYS[4], seq, ARGV[8], ARGV[9], HEAD + 1, first_pair - 1)
return {'ok', seq}
