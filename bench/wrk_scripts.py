"""Lua scripts for wrk: requests of each event type by each method, every delivery with an id of its own."""

from pathlib import Path

from emulator.wire import http_build_query, json_encode
from seven.events import EVENT_TYPES

KEYS = {
    "dlr": "msg_id", "rcs": "id", "sms_mo": "id", "tracking": "sms_id", "voice_call": "id", "voice_dtmf": "id",
    "voice_status": "id", "wa_mo": "text",
}  # fmt: skip
"""The field of each event type that is another in every delivery: its id, where it has any."""
MARK = "987654321987654"

_SCRIPT = """
local thread_number = 0
function setup(thread) thread:set("number", thread_number); thread_number = thread_number + 1 end
function init(args) count = 0 end
local head, tail, path = %s, %s, %s
function request()
  count = count + 1
  local id = string.format("%%03d%%012d", number + %d, count)
  return %s
end
function done(summary, latency, requests)
  io.write(string.format("\\nRESULT %%d %%d %%d %%d %%d %%d %%d\\n", summary.requests, summary.duration,
    summary.errors.status + summary.errors.connect + summary.errors.read + summary.errors.write + summary.errors.timeout,
    latency:percentile(50), latency:percentile(90), latency:percentile(99), latency.max))
end
"""


def script(event_type: str, method: str, token: str, run: int) -> str:
    """A script for wrk: deliveries of one event type to `/hooks/{token}`, with ids that no other run repeats."""
    payload = {
        "data": {**EVENT_TYPES[event_type].example, KEYS[event_type]: MARK},
        "webhook_event": event_type,
        "webhook_timestamp": "2026-11-25T09:00:00+01:00",
    }
    path = f"/hooks/{token}"
    if method == "JSON":
        encoded, content_type = json_encode(payload).decode(), "application/json"
    else:
        encoded, content_type = http_build_query(payload), "application/x-www-form-urlencoded"
    head, _, tail = encoded.partition(MARK)
    if method == "GET":
        lua_request = 'wrk.format("GET", path .. "?" .. head .. id .. tail)'
    else:
        lua_request = f'wrk.format("POST", path, {{["content-type"] = "{content_type}"}}, head .. id .. tail)'
    return _SCRIPT % (_quoted(head), _quoted(tail), _quoted(path), run % 1000, lua_request)


def write_script(directory: Path, event_type: str, method: str, token: str, run: int) -> Path:
    """Write the script to a file; returns its path."""
    file = directory / f"{event_type}-{method}-{run}.lua"
    file.write_text(script(event_type, method, token, run))
    return file


def _quoted(value: str) -> str:
    return "[====[" + value + "]====]"
