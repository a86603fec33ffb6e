"""A web server on this machine, which does what a test tells it."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

Act = Callable[["Handler"], None]


@dataclass
class Server:
    """`acts` are what answers a path; of a list the first is taken away at each request but the last. `asked` are the
    requests so far: the path, and its Range and If-Range."""

    address: str
    acts: dict[str, list[Act]] = field(default_factory=dict)
    asked: list[tuple[str, str, str]] = field(default_factory=list)

    def __setitem__(self, path: str, acts: Act | list[Act]) -> None:
        self.acts[path] = acts if isinstance(acts, list) else [acts]


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    known: Server

    def do_GET(self) -> None:
        range_, if_range = self.headers.get("Range", ""), self.headers.get("If-Range", "")
        self.known.asked.append((self.path, range_, if_range))
        acts = self.known.acts.get(self.path, [status(404)])
        self.close_connection = True
        (acts.pop(0) if len(acts) > 1 else acts[0])(self)

    def log_message(self, format: str, *arguments: object) -> None:
        pass

    def head(self, code: int, **headers: object) -> None:
        self.send_response(code)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), str(value))
        self.send_header("Connection", "close")
        self.end_headers()


@contextmanager
def serving() -> Iterator[Server]:
    class Own(Handler):
        pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Own)
    server.daemon_threads = True
    Own.known = Server(f"http://127.0.0.1:{server.server_port}")
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        yield Own.known
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def status(code: int) -> Act:
    return lambda handler: handler.head(code, Content_Length=0)


def whole(content: bytes, tag: str = '"1"') -> Act:
    """The file, and parts of it where they are asked for and it is still that version."""

    def act(handler: Handler) -> None:
        range_, if_range = handler.headers.get("Range"), handler.headers.get("If-Range")
        if range_ is None or (if_range is not None and if_range != tag):
            handler.head(200, Content_Length=len(content), ETag=tag)
            handler.wfile.write(content)
            return
        start = int(range_.removeprefix("bytes=").removesuffix("-"))
        if start >= len(content):
            handler.head(416, Content_Range=f"bytes */{len(content)}", Content_Length=0)
            return
        span = f"bytes {start}-{len(content) - 1}/{len(content)}"
        handler.head(206, Content_Length=len(content) - start, Content_Range=span, ETag=tag)
        handler.wfile.write(content[start:])

    return act


def ignoring_ranges(content: bytes) -> Act:
    def act(handler: Handler) -> None:
        handler.head(200, Content_Length=len(content))
        handler.wfile.write(content)

    return act


def cut(content: bytes, after: int, tag: str = '"1"', told: bool = True) -> Act:
    """The first bytes of the file, then the connection ends; `told` says how many there would be."""

    def act(handler: Handler) -> None:
        handler.head(200, ETag=tag, **({"Content_Length": len(content)} if told else {}))
        handler.wfile.write(content[:after])
        handler.wfile.flush()

    return act


def stalling(content: bytes, after: int, seconds: float) -> Act:
    """The first bytes, then nothing for long."""

    def act(handler: Handler) -> None:
        handler.head(200, Content_Length=len(content), ETag='"1"')
        handler.wfile.write(content[:after])
        handler.wfile.flush()
        time.sleep(seconds)

    return act


def silent(seconds: float) -> Act:
    return lambda handler: time.sleep(seconds)


def redirect(to: str, code: int = 302) -> Act:
    return lambda handler: handler.head(code, Location=to, Content_Length=0)


def chunked(content: bytes, whole: bool) -> Act:
    """In pieces without a length; without the last one where not `whole`."""

    def act(handler: Handler) -> None:
        handler.head(200, Transfer_Encoding="chunked")
        for start in range(0, len(content), 1000):
            piece = content[start : start + 1000]
            handler.wfile.write(f"{len(piece):x}\r\n".encode() + piece + b"\r\n")
        if whole:
            handler.wfile.write(b"0\r\n\r\n")

    return act


def other_part(content: bytes) -> Act:
    """Answers each request for a part with the beginning, as if that were asked for."""

    def act(handler: Handler) -> None:
        handler.head(206, Content_Length=len(content), Content_Range=f"bytes 0-{len(content) - 1}/{len(content)}")
        handler.wfile.write(content)

    return act
