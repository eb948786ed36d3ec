-- Move the tracker of charge sessions: position, open sessions, finished records and events. The contract is in records.py.
-- KEYS  tracker, charge_records, meta, events
-- ARGV  moves that the caller knows of, epoch, seq, state, open sessions, most records that may wait,
--       for how many ms events are kept, how many of them, count of records, count of events, records, events
local tracker, records, meta, events = KEYS[1], KEYS[2], KEYS[3], KEYS[4]
local moves = redis.call('HGET', tracker, 'moves') or '0'
local count, happened = tonumber(ARGV[9]), tonumber(ARGV[10])
if moves ~= ARGV[1] then return {'moved', moves} end
if count > 0 and redis.call('XLEN', records) + count > tonumber(ARGV[6]) then return {'full', moves} end
for i = 11, 10 + count do redis.call('XADD', records, '*', 'record', ARGV[i]) end
add_events(meta, events, tonumber(ARGV[3]), ARGV[7], ARGV[8], 11 + count, 10 + count + happened)
moves = string.format('%.0f', tonumber(moves) + 1)
redis.call('HSET', tracker, 'moves', moves, 'epoch', ARGV[2], 'seq', ARGV[3], 'state', ARGV[4], 'open', ARGV[5])
return {'done', moves}
