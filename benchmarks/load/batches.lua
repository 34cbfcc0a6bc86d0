-- Load for wrk: each request posts one batch of payments of two entries between random accounts, each under a key of its own.
-- Arguments: a file with one account id a line, a prefix that makes the keys of this run unique, and how many members a batch has.

local thread_count = 0

function setup(thread)
  thread:set('thread_number', thread_count)
  thread_count = thread_count + 1
end

function init(args)
  accounts = {}
  for line in io.lines(args[1]) do accounts[#accounts + 1] = line end
  prefix = args[2] .. '-' .. thread_number .. '-'
  size = tonumber(args[3])
  count = 0
  math.randomseed(thread_number + os.time())
end

function request()
  local members = {}
  for i = 1, size do
    count = count + 1
    local from = math.random(#accounts)
    local to = math.random(#accounts - 1)
    if to >= from then to = to + 1 end
    members[i] = '{"currency":"USD","idempotency_key":"' .. prefix .. count .. '","entries":['
      .. '{"account_id":"' .. accounts[from] .. '","direction":"debit","amount":"1.00"},'
      .. '{"account_id":"' .. accounts[to] .. '","direction":"credit","amount":"1.00"}]}'
  end
  local body = '{"mode":"atomic","transactions":[' .. table.concat(members, ',') .. ']}'
  return wrk.format('POST', nil, { ['content-type'] = 'application/json' }, body)
end

-- One line of JSON for whoever started wrk.
function done(summary, latency, requests)
  local errors = summary.errors
  io.write(string.format(
    '{"requests":%d,"seconds":%.3f,"p50Ms":%.2f,"p95Ms":%.2f,"p99Ms":%.2f,"maxMs":%.2f,"errors":%d}\n',
    summary.requests, summary.duration / 1e6, latency:percentile(50) / 1000, latency:percentile(95) / 1000,
    latency:percentile(99) / 1000, latency.max / 1000,
    errors.connect + errors.read + errors.write + errors.status + errors.timeout))
end
