"""HTTP servers for tests; a client that disconnects early is no error."""

import sys
from http.server import ThreadingHTTPServer


class Server(ThreadingHTTPServer):
    """A server that is silent about disconnected clients, for which the library would print a traceback."""

    def handle_error(self, request: object, client_address: object) -> None:
        if not isinstance(sys.exc_info()[1], ConnectionError | TimeoutError):
            super().handle_error(request, client_address)
