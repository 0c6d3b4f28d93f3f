/**
 * Everything that is done to a store at a Redis server, as one program that the server runs as one step. So quotas,
 * versions and batches hold with any number of nodes that write to the same store.
 *
 * A bucket is three keys: its values by key, `version:id` by key, and the keys in the order of their ids. What the app
 * holds in all is in a fourth, with the last version and id that were given: neither is used again. All four have the
 * app in braces in their names, so that a cluster keeps them on one of its servers.
 */

/** ARGV: operation, most keys, most bytes, channel of changes, bucket, and what the operation needs. */
export const script = `
local meta, values, facts, order = KEYS[1], KEYS[2], KEYS[3], KEYS[4]
local operation, channel, bucket = ARGV[1], ARGV[4], ARGV[5]
local mostKeys, mostBytes = tonumber(ARGV[2]), tonumber(ARGV[3])
local overhead = 64
local found = redis.call('HMGET', meta, 'keys', 'bytes', 'version', 'id')
local keys, bytes = tonumber(found[1] or 0), tonumber(found[2] or 0)
local version, id = tonumber(found[3] or 0), tonumber(found[4] or 0)
local function whole(number) return string.format('%.0f', number) end
local function answer(status, ...) return { status, whole(keys), whole(bytes), ... } end
local function versionOf(key)
  local fact = redis.call('HGET', facts, key)
  return fact and string.match(fact, '^%d+') or '0'
end

-- Looks at all before it writes any: what was written is not taken back by an error.
local function put(entries)
  local seen = {}
  local writes = {}
  for _, entry in ipairs(entries) do
    local key, value = entry[1], entry[2]
    local present = seen[key]
    if not present then
      local fact = redis.call('HGET', facts, key)
      present = fact and { size = redis.call('HSTRLEN', values, key), id = string.match(fact, '%d+$') } or false
    end
    local growth = #value - (present and present.size or 0) + (present and 0 or #key + overhead)
    if not present and keys >= mostKeys then return answer('keys') end
    if growth > 0 and bytes + growth > mostBytes then return answer('bytes', key) end
    if not present then
      id = id + 1
      keys = keys + 1
    end
    bytes = bytes + growth
    version = version + 1
    local own = present and present.id or whole(id)
    seen[key] = { size = #value, id = own }
    writes[#writes + 1] = { key, value, whole(version), own }
  end
  for _, write in ipairs(writes) do
    redis.call('HSET', values, write[1], write[2])
    redis.call('HSET', facts, write[1], write[3] .. ':' .. write[4])
    redis.call('ZADD', order, write[4], write[1])
    redis.call('PUBLISH', channel, 'set\\0' .. write[3] .. '\\0' .. bucket .. '\\0' .. write[1])
  end
  redis.call('HSET', meta, 'keys', whole(keys), 'bytes', whole(bytes), 'version', whole(version), 'id', whole(id))
  return nil
end

if operation == 'usage' then return answer('ok') end
if operation == 'get' then
  return answer('ok', redis.call('HGET', values, ARGV[6]), versionOf(ARGV[6]))
end
if operation == 'version' then return answer('ok', versionOf(ARGV[6])) end
if operation == 'many' then
  local most, sum = tonumber(ARGV[6]), 0
  local wanted = {}
  for index = 7, #ARGV do
    sum = sum + redis.call('HSTRLEN', values, ARGV[index])
    wanted[#wanted + 1] = ARGV[index]
  end
  if sum > most then return answer('batch', whole(sum)) end
  return answer('ok', redis.call('HMGET', values, unpack(wanted)))
end
if operation == 'page' then
  return answer('ok', redis.call('ZRANGEBYSCORE', order, '(' .. ARGV[6], '+inf', 'WITHSCORES', 'LIMIT', 0, ARGV[7]))
end
if operation == 'set' then
  local entries = {}
  for index = 6, #ARGV, 2 do entries[#entries + 1] = { ARGV[index], ARGV[index + 1] } end
  return put(entries) or answer('ok')
end
if operation == 'swap' then
  local present = versionOf(ARGV[6])
  if present ~= ARGV[7] then return answer('ok', '0', present) end
  return put({ { ARGV[6], ARGV[8] } }) or answer('ok', '1', whole(version))
end
if operation == 'delete' then
  for index = 6, #ARGV do
    local key = ARGV[index]
    if redis.call('HEXISTS', facts, key) == 1 then
      keys = keys - 1
      bytes = bytes - #key - redis.call('HSTRLEN', values, key) - overhead
      version = version + 1
      redis.call('HDEL', values, key)
      redis.call('HDEL', facts, key)
      redis.call('ZREM', order, key)
      redis.call('PUBLISH', channel, 'delete\\0' .. whole(version) .. '\\0' .. bucket .. '\\0' .. key)
      redis.call('HSET', meta, 'keys', whole(keys), 'bytes', whole(bytes), 'version', whole(version))
    end
  end
  return answer('ok')
end
if operation == 'increment' then
  local text = redis.call('HGET', values, ARGV[6]) or '0'
  local sign, digits = string.match(text, '^(-?)0*(%d+)$')
  if not digits or #text > 20 then return answer('number') end
  if digits == '0' then sign = '' end
  -- The server counts in 64 bits, and this language does not.
  local scratch = meta .. ':n'
  redis.call('SET', scratch, sign .. digits)
  local sum = redis.pcall('INCRBY', scratch, ARGV[7])
  local result = redis.call('GET', scratch)
  redis.call('DEL', scratch)
  if type(sum) == 'table' and sum.err then return answer('range') end
  return put({ { ARGV[6], result } }) or answer('ok', result)
end
return redis.error_reply('ERR no such operation')
`
