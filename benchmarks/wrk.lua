-- Requests and report of wrk. EVENTS is the number of events per request; 0 sends GET.
local events = tonumber(os.getenv("EVENTS"))
local requests, turn = {}, 0

local function body()
  local lines = {}
  for line = 1, events do
    -- With an id, as clients send that may resend.
    lines[line] = string.format(
      '{"id":"%08x%08x","type":"view","article_id":"article-%07d","timestamp":%s}',
      math.random(0, 2^31 - 1), math.random(0, 2^31 - 1), math.random(2000), os.getenv("NOW"))
  end
  return table.concat(lines, "\n")
end

function init()
  if events == 0 then
    requests[1] = wrk.format("GET")
    return
  end
  local kind = events == 1 and "application/json" or "application/x-ndjson"
  for number = 1, math.ceil(2000 / events) do
    requests[number] = wrk.format("POST", nil, {["Content-Type"] = kind, ["User-Agent"] = "wrk"}, body())
  end
end

function request()
  turn = turn % #requests + 1
  return requests[turn]
end

function done(summary, latency)
  local bad = summary.errors
  io.write(string.format('\n{"requests":%d,"microseconds":%d,"refused":%d,"failed":%d,"p99":%d}\n',
    summary.requests, summary.duration, bad.status,
    bad.connect + bad.read + bad.write + bad.timeout, latency:percentile(99)))
end
