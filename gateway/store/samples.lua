-- Append the sample of a slot, strictly in order, and thin the oldest when there are many. The contract is in samples.py.
-- KEYS  samples, samples_thinned
-- ARGV  slot, the slot that the caller holds for the last one (-1 = none), period in ms, sample,
--       most slots, most bytes
local GROUP, ENTRY_BYTES, MOST_GROUPS, FULLNESS = 6, 100, 20, 0.8

local function newest_id(stream)  -- not the newest entry: a stream that was trimmed empty still refuses lower ids
  local info = redis.call('EXISTS', stream) == 1 and redis.call('XINFO', 'STREAM', stream) or {}
  for i = 1, #info, 2 do
    if info[i] == 'last-generated-id' then return tonumber(string.match(info[i + 1], '^%d+')) end
  end
  return -1
end

local function field(entry, name)
  for i = 1, #entry[2], 2 do
    if entry[2][i] == name then return entry[2][i + 1] end
  end
end

local function cost(sample) return #sample + ENTRY_BYTES end

-- Entries go at the beginning only, so that the totals written into the first and the last one tell what lies between.
local function used(stream)
  local last = redis.call('XREVRANGE', stream, '+', '-', 'COUNT', 1)[1]
  if not last then return 0, 0, 0 end
  local first = redis.call('XRANGE', stream, '-', '+', 'COUNT', 1)[1]
  local total = tonumber(field(last, 'total'))
  return redis.call('XLEN', stream), total - tonumber(field(first, 'total')) + cost(field(first, 'sample')), total
end

local function add(stream, slot, period, sample, total)
  redis.call('XADD', stream, slot .. '-0', 'period', period, 'total', string.format('%.0f', total), 'sample', sample)
end

local function group_of(entry)
  local slot = tonumber(string.match(entry[1], '^%d+'))
  return math.floor(slot / (GROUP * tonumber(field(entry, 'period'))))
end

-- Move the oldest whole group: its first sample stays, in the other stream, where it is not thinned again. That frees
-- the memory of the rest, which a deletion in the midst of a stream would not. Answers how many samples are gone,
-- nil when there is no such group: the newest may yet grow.
local function thin_one()
  local oldest = redis.call('XRANGE', KEYS[1], '-', '+', 'COUNT', GROUP + 1)
  local behind = 2
  while oldest[behind] and group_of(oldest[behind]) == group_of(oldest[1]) do behind = behind + 1 end
  if not oldest[behind] then return nil end
  local first, _, _, total = oldest[1], used(KEYS[2])
  local sample = field(first, 'sample')
  add(KEYS[2], string.match(first[1], '^%d+'), field(first, 'period'), sample, total + cost(sample))
  redis.call('XTRIM', KEYS[1], 'MINID', oldest[behind][1])
  return behind - 2
end

local slot, after = tonumber(ARGV[1]), tonumber(ARGV[2])
local most_slots, most_bytes = tonumber(ARGV[5]), tonumber(ARGV[6])
local last = newest_id(KEYS[1])
local count, bytes, total = used(KEYS[1])
local thin_count, thin_bytes = used(KEYS[2])
local thinned = 0

local function answer(outcome)
  return {outcome, last, count + thin_count, bytes + thin_bytes, thin_count, thinned}
end
if last == slot then return answer('already') end
if last > slot then return answer('refused') end
if last ~= after then return answer('behind') end

local size = cost(ARGV[4])
local function above(part)  -- with this sample
  return count + thin_count + 1 > part * most_slots or bytes + thin_bytes + size > part * most_bytes
end
for _ = 1, MOST_GROUPS do
  local gone = above(FULLNESS) and thin_one()
  if not gone then break end
  thinned = thinned + gone
  count, bytes, total = used(KEYS[1])
  thin_count, thin_bytes = used(KEYS[2])
end
if above(1) then return answer('full') end

add(KEYS[1], ARGV[1], ARGV[3], ARGV[4], total + size)
last, count, bytes = slot, count + 1, bytes + size
return answer('done')
