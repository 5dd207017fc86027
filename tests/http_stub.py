"""HTTP servers of tests that answer as they are written; whoever asks may hang up, which is no fault of theirs."""

import sys
from http.server import ThreadingHTTPServer


class Server(ThreadingHTTPServer):
    """Of a client that has gone it says nothing; the library would print a traceback, between the dots of the suite."""

    def handle_error(self, request: object, client_address: object) -> None:
        if not isinstance(sys.exc_info()[1], ConnectionError | TimeoutError):
            super().handle_error(request, client_address)
