"""The upper limit of the HTTP server: a Starlette endpoint that reads the body and answers with as many bytes as ours."""

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

ANSWER = b'{"id":"01a21201-922f-778b-a3d7-28a630c994e8","outcome":"accepted"}'


async def receive(request: Request) -> Response:
    """Read the body and answer 202."""
    await request.body()
    return Response(ANSWER, 202, media_type="application/json")


app = Starlette(routes=[Route("/hooks/{token}", receive, methods=["POST", "GET"])])
