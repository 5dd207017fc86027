"""Forms: the fields of a POST, within bounds."""

from urllib.parse import parse_qsl

from starlette.requests import ClientDisconnect, Request

LARGEST = 64 * 1024
"""Most bytes of a form."""
MOST_FIELDS = 100
FORM = "application/x-www-form-urlencoded"


class Unreadable(Exception):  # noqa: N818 - the sender's, answered with its sentence
    """A request that makes no sense; its message is a sentence for people, and its status the answer's."""

    def __init__(self, sentence: str, status: int = 400) -> None:
        super().__init__(sentence)
        self.status = status


async def read_form(request: Request) -> dict[str, str]:
    """The fields of a form, the last of each name, without blanks around them. Raises Unreadable."""
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != FORM:
        raise Unreadable("This address takes a form.", 415)
    body = bytearray()
    try:
        async for chunk in request.stream():
            body += chunk
            if len(body) > LARGEST:
                raise Unreadable("The form is too long.", 413)
    except ClientDisconnect:
        raise Unreadable("The form is incomplete.") from None
    try:
        fields = parse_qsl(bytes(body).decode("ascii"), keep_blank_values=True, max_num_fields=MOST_FIELDS)
    except ValueError:
        raise Unreadable("The form cannot be read.") from None
    return {name: value.strip() for name, value in fields}
