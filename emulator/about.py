"""The emulator's first page: what it answers, and how it is controlled."""

from textwrap import fill

from pydantic import BaseModel
from starlette.requests import Request
from starlette.responses import PlainTextResponse

from emulator.hook_faults import HookFault
from emulator.hooks import Registration
from emulator.journal.faults import JournalFault
from emulator.scenario_request import ScenarioRequest

WIDTH = 80
INDENT = " " * 11


def _field_list(model: type[BaseModel]) -> str:
    return fill(", ".join(model.model_fields), WIDTH, initial_indent=INDENT, subsequent_indent=INDENT)


ABOUT = f"""\
A seven.io gateway for your own machine. Nothing that it delivers is real.

The gateway's API

  /api/hooks
           GET, POST and DELETE, or action=read|subscribe|unsubscribe
  /api/journal/outbound, /api/journal/inbound, /api/journal/voice
           What was played, whether delivered or not; by id, date_from, date_to,
           state, to, limit and offset. The older style, /api/journal?type=…,
           knows incoming calls as well: type=voice_call
  /api/journal/replies
           Only rows that you add: how those of the gateway look is unknown
  /api/balance
           54.218, or an object for those who accept JSON; playing costs

The emulator's own controls: bodies and answers are JSON objects

  POST /scenarios
           Play a scenario: messages with their statuses, replies, clicks and
           calls, delivered to the registered hooks, or to one target_url.
           `seven-ingest simulate` does so and waits. Every field is optional:
{_field_list(ScenarioRequest)}
  GET /scenarios
           every scenario, and its progress
  GET /scenarios/<number>
           one of them
  GET /scenarios/<number>/ids
           the ids in the receiver's answers

  GET /hooks
           every registered hook
  POST /hooks
           Register a hook behind its owner's back. Its fields:
{_field_list(Registration)}
  PATCH /hooks/<id>, DELETE /hooks/<id>
           change it, for example {{"enabled": false}}, or remove it

  GET /faults
           the faults of the API, and the number of requests by action
  PUT /faults
           Set a fault, for example {{"code": "900", "times": 3}}; its fields:
{_field_list(HookFault)}
           Or a list of such objects, of which the first that applies takes
           effect. Codes: 900 wrong key, 901 signing failed, 902 missing rights,
           903 IP refused
  DELETE /faults
           remove all faults

  GET, PUT and DELETE /journal/faults
           The same for the journal, for example {{"half": true, "times": 1}}, or
           {{"empty": true}} to switch it off; a fault's fields:
{_field_list(JournalFault)}
  POST /journal/<name>
           Add a row to a journal as it is, such as one of another sender's
  GET and PUT /balance
           the balance; set it: {{"amount": 3.5}}
"""


async def about(_: Request) -> PlainTextResponse:
    """Describe the emulator and its controls."""
    return PlainTextResponse(ABOUT)
