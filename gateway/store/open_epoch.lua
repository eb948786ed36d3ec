-- Open an epoch: `latest` becomes exactly the given readings, seq leaps beyond all that anybody may have seen.
-- KEYS  meta, latest, changes, lease, events
-- ARGV  holder, fence, batch, epoch, known seq, stream length, entry's set (nothing),
--       events kept in ms, most events, number of events,
--       then the events, and key and reading (flag and stem) of each pair
local HEAD, CHUNK, LEAP = 10, 2000, 1000000  -- unpack() fails somewhere below 8,000

if redis.call('GET', KEYS[4]) ~= ARGV[1] then return {'not_leader', 0} end
local meta = redis.call('HMGET', KEYS[1], 'fence', 'seq', 'epoch', 'opened_batch', 'opened_seq')
if tonumber(ARGV[2]) < (tonumber(meta[1]) or 0) then return {'not_leader', 0} end
if meta[3] == ARGV[4] and meta[4] == ARGV[3] then return {'ok', tonumber(meta[5])} end  -- it had arrived

-- not the newest entry: a stream that was trimmed empty still refuses lower ids
local newest_seq = 0
local info = redis.call('EXISTS', KEYS[3]) == 1 and redis.call('XINFO', 'STREAM', KEYS[3]) or {}
for i = 1, #info, 2 do
  if info[i] == 'last-generated-id' then newest_seq = tonumber(string.match(info[i + 1], '^%d+')) end
end
local seq = math.max(tonumber(meta[2]) or 0, newest_seq, tonumber(ARGV[5])) + LEAP
local text = string.format('%.0f', seq)
redis.call('XADD', KEYS[3], 'MAXLEN', '~', ARGV[6], text .. '-0', 'epoch', ARGV[4], 'set', ARGV[7])  -- wakes readers
redis.call('HSET', KEYS[1], 'epoch', ARGV[4], 'seq', text, 'fence', ARGV[2], 'batch', ARGV[3],
  'opened_batch', ARGV[3], 'opened_seq', text)

redis.call('DEL', KEYS[2])
local first_pair = HEAD + tonumber(ARGV[10]) + 1
local seq_bytes = '\207' .. struct.pack('>I8', seq)  -- msgpack uint 64
for i = first_pair + 1, #ARGV, 2 do
  ARGV[i] = ARGV[i] .. seq_bytes
end
for i = first_pair, #ARGV, CHUNK do
  redis.call('HSET', KEYS[2], unpack(ARGV, i, math.min(i + CHUNK - 1, #ARGV)))
end
add_events(KEYS[1], KEYS[5], seq, ARGV[8], ARGV[9], HEAD + 1, first_pair - 1)
return {'ok', seq}
