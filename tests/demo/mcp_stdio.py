"""An MCP client over stdio, as small as the demo needs: protocol 2026-07-28, many calls in flight.

Stateless: every request says its version and the client's capabilities, and none depends on one before.
Not here: what is called and what should come back. Invariant: a line of the server that is not JSON-RPC,
or an answer to nothing, is an error and never skipped.
"""

import itertools
import json
import queue
import subprocess
import threading
import time

VERSION = "2026-07-28"
EVERY_REQUEST = {
    "io.modelcontextprotocol/protocolVersion": VERSION,
    "io.modelcontextprotocol/clientCapabilities": {},
    "io.modelcontextprotocol/clientInfo": {"name": "toolgate-demo", "version": "1"},
}


class ProtocolError(Exception):
    """The server is not there, is silent, or says something that is not the protocol."""


class Server:
    """A server process and the requests on their way to it. Use it in a `with`: leaving it ends the process."""

    def __init__(self, command, folder, environment, log):
        """Starts `command` in `folder`; what it writes to stderr goes to the open file `log`."""
        pipe = subprocess.PIPE
        self.process = subprocess.Popen(
            command, cwd=folder, env=environment, stdin=pipe, stdout=pipe, stderr=log
        )
        self.ids = itertools.count(1)
        self.sent = set()
        self.answers = {}
        self.lines = queue.Queue()
        threading.Thread(target=self._read, daemon=True).start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.kill()

    def kill(self):
        """Ends the process at once (`kill -9`), whatever it is doing."""
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()

    def send(self, method, params=None, meta=None):
        """Sends one request and gives its id; does not wait."""
        request = next(self.ids)
        params = {**(params or {}), "_meta": {**EVERY_REQUEST, **(meta or {})}}
        message = {"jsonrpc": "2.0", "id": request, "method": method, "params": params}
        self.sent.add(request)
        try:
            self.process.stdin.write(json.dumps(message).encode() + b"\n")
            self.process.stdin.flush()
        except OSError as error:
            raise ProtocolError(f"the server does not take requests: {error}") from error
        return request

    def answer(self, request, timeout_s=30):
        """Waits for the answer to one request; a whole message, with `result` or `error`."""
        deadline = time.monotonic() + timeout_s
        while request not in self.answers:
            try:
                line = self.lines.get(timeout=max(0, deadline - time.monotonic()))
            except queue.Empty:
                raise ProtocolError(f"no answer to request {request} within {timeout_s} s") from None
            if line is None:
                raise ProtocolError(f"the server ended before it answered request {request}")
            self._take(line)
        return self.answers[request]

    def arrived(self):
        """The ids of the requests answered so far, in the order of their answers."""
        return list(self.answers)

    def close(self, timeout_s=10):
        """Closes the server's input and waits for its end; gives its exit code and how long that took."""
        started = time.monotonic()
        self.process.stdin.close()
        try:
            code = self.process.wait(timeout_s)
        except subprocess.TimeoutExpired:
            raise ProtocolError(f"the server did not end within {timeout_s} s of its input") from None
        return code, time.monotonic() - started

    def _read(self):
        for line in self.process.stdout:
            self.lines.put(line)
        self.lines.put(None)

    def _take(self, line):
        try:
            message = json.loads(line)
            request = message["id"]
        except (ValueError, KeyError, TypeError):
            raise ProtocolError(f"the server wrote a line that answers nothing: {line[:200]!r}") from None
        if request not in self.sent or request in self.answers:
            raise ProtocolError(f"the server answered request {request}, which was not open")
        self.answers[request] = message
