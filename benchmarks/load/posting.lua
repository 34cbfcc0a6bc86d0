-- Load for wrk: each request posts one payment of two entries between two random accounts, under a key of its own.
-- Arguments: a file with one account id a line, a prefix that makes the keys of this run unique, and "hot" to have the
-- first account in every payment.

local thread_count = 0

function setup(thread)
  thread:set('thread_number', thread_count)
  thread_count = thread_count + 1
end

function init(args)
  accounts = {}
  for line in io.lines(args[1]) do accounts[#accounts + 1] = line end
  prefix = args[2] .. '-' .. thread_number .. '-'
  hot = args[3] == 'hot'
  count = 0
  math.randomseed(thread_number + os.time())
end

function request()
  count = count + 1
  local from = hot and 1 or math.random(#accounts)
  local to = math.random(#accounts - 1)
  if to >= from then to = to + 1 end
  local body = '{"currency":"USD","idempotency_key":"' .. prefix .. count .. '","entries":['
    .. '{"account_id":"' .. accounts[from] .. '","direction":"debit","amount":"1.00"},'
    .. '{"account_id":"' .. accounts[to] .. '","direction":"credit","amount":"1.00"}]}'
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
