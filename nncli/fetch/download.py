"""One file from the network, from one of several addresses: resumed where it was cut off, and there when it is right.

What has come so far is in `NAME.part`; `NAME.part.from` says which address gave it, and which version of the file that
was. A part is gone on with by a request for the rest (RFC 9110, section 14), which the server may answer with the whole
file; it then begins anew.
"""

from __future__ import annotations

import contextlib
import hashlib
import http
import http.client
import ipaddress
import json
import os
import shutil
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any
from urllib.parse import urljoin, urlsplit

from nncli import progress
from nncli.errors import DataError, Fault, OutputError
from nncli.fetch.catalogue import Remote
from nncli.fetch.disk import unwritable, writing

TIMEOUT = 30.0
"""Seconds without a byte after which a server counts as gone."""
ATTEMPTS = 3
"""Times that an address is asked in a row without a byte of it having come."""
PAUSE = 1.0
"""Seconds before the second attempt; before the third twice as many."""
MOST_REDIRECTS = 5
_CHUNK = 2**16
_AGAIN = {408, 425, 429, 500, 502, 503, 504}
"""Answers that may be others a moment later."""
_AGENT = "nncli (data fetch)"
Tell = Callable[[str], None]


class _Failed(Exception):
    """An address did not give the file; `again` where it may if it is asked once more. `code` is its answer's."""

    def __init__(self, message: str, again: bool = False, code: int = 0) -> None:
        super().__init__(message)
        self.again, self.code = again, code


@dataclass(frozen=True, slots=True)
class Settings:
    """How servers are asked: `timeout` in seconds; `tell` is told of each failure, in a line."""

    timeout: float = TIMEOUT
    pause: float = PAUSE
    tell: Tell = lambda text: None


def download(remote: Remote, addresses: Sequence[str], target: Path, settings: Settings) -> None:
    """Put the file at `target`, whole and with the right checksum, from the first of the addresses that gives it.

    An interruption leaves the part, and the next call goes on with it. Raises DataError with the fault of each address
    where none gives the file, OutputError where it cannot be written.
    """
    part = _Part(target, remote)
    faults = []
    with part.locked():
        part.check_space()
        for place, address in enumerate(addresses):
            try:
                _from_address(address, part, settings)
            except _Failed as failed:
                faults.append(Fault(str(failed), file=address))
                if place + 1 < len(addresses):
                    settings.tell(f"{address}: {failed}; trying {addresses[place + 1]}")
                continue
            part.finish()
            return
    raise DataError([*faults[:-1], _with_hint(faults[-1], part)])


def _with_hint(fault: Fault, part: _Part) -> Fault:
    kept = (
        f"; what has come so far ({part.size:,} bytes) is kept, the same command goes on with it" if part.size else ""
    )
    hint = f"is there a connection? `--mirror ADDRESS` names another place that has the files{kept}"
    return Fault(fault.message, fault.path, hint, fault.file)


def _from_address(address: str, part: _Part, settings: Settings) -> None:
    """Fill the part, and check it. Raises _Failed."""
    resumed = anew = False
    attempt = 0
    while True:
        before = part.size
        resumed = resumed or before > 0
        try:
            if part.size < part.remote.size:
                _ask(address, part, settings.timeout)
            part.check()
            return
        except _Wrong as wrong:
            if anew or not resumed:
                raise _Failed(str(wrong)) from None
            # The part was of another file or version: this address has not been asked for all of it yet.
            anew, resumed, attempt = True, False, 0
        except _Failed as failed:
            attempt = 1 if part.size > before else attempt + 1
            if not failed.again or attempt >= ATTEMPTS:
                raise
            settings.tell(f"{address}: {failed}; asking again")
            time.sleep(settings.pause * attempt)


class _Wrong(Exception):
    """All of the file has come, and it is another one."""


# -- what has come so far ----------------------------------------------------------------------------------------------


class _Part:
    """`NAME.part` and `NAME.part.from` beside the target."""

    def __init__(self, target: Path, remote: Remote) -> None:
        self.target, self.remote = target, remote
        self.path = target.with_name(f"{target.name}.part")
        self.origin = target.with_name(f"{target.name}.part.from")

    @property
    def size(self) -> int:
        try:
            return self.path.stat().st_size
        except OSError:
            return 0

    @contextlib.contextmanager
    def locked(self) -> Iterator[None]:
        """Nobody else writes to the part. Raises OutputError where somebody does, or the folder cannot be written."""
        with self._writing():
            made = not self.path.parent.exists()
            self.path.parent.mkdir(parents=True, exist_ok=True)
            handle = os.open(self.path, os.O_RDWR | os.O_CREAT, 0o666)
        try:
            if not _lock(handle):
                hint = "wait until it is done; the file is there then"
                raise OutputError(Fault("another process is downloading it", file=str(self.target), hint=hint))
            if self.size > self.remote.size:
                self.drop()
            yield
        finally:
            os.close(handle)
            if self.size == 0:
                for leftover in (self.path, self.origin):
                    leftover.unlink(missing_ok=True)
            if made:
                with contextlib.suppress(OSError):  # it is not empty
                    self.path.parent.rmdir()

    def check_space(self) -> None:
        """Raises OutputError where the disk cannot hold what is missing."""
        missing = self.remote.size - self.size + sum((self.remote.members or {}).values())
        free = shutil.disk_usage(self.path.parent).free
        if missing > free:
            raise unwritable(self.target, f"{missing:,} bytes are to come, {free:,} are free", self.path)

    def validator(self, address: str) -> str:
        """The version of the file that the part is of, where this address gave it; else empty."""
        try:
            known = json.loads(self.origin.read_text())
            return str(known["version"]) if known["address"] == address else ""
        except (OSError, ValueError, KeyError, TypeError):
            return ""

    def drop(self) -> None:
        """Begin anew. The file stays the same one, which is locked."""
        with self._writing():
            os.truncate(self.path, 0)
            self.origin.unlink(missing_ok=True)

    def fill(self, stream: IO[bytes], start: int, advance: progress.Advance, address: str, version: str) -> None:
        """Write what comes from the place `start` on. Raises _Failed where it is too much, OutputError."""
        with self._writing():
            if start == 0:
                self.drop()
            self.origin.write_text(json.dumps({"address": address, "version": version}))
            file = self.path.open("r+b", buffering=0)
        with file:
            file.seek(start)
            while chunk := _read(stream):
                if start + len(chunk) > self.remote.size:
                    self.drop()
                    raise _Failed(f"gives more than the {self.remote.size:,} bytes of the file")
                with self._writing():
                    file.write(chunk)
                start += len(chunk)
                advance(len(chunk))
        if start < self.remote.size:
            raise _Failed(f"the connection ended after {start:,} of {self.remote.size:,} bytes", again=True)

    def check(self) -> None:
        """Raises _Wrong unless it is the file; then nothing is left of it."""
        found = sha256(self.path)
        if found != self.remote.sha256:
            self.drop()
            raise _Wrong(f"gives another file: its SHA-256 is {found}, not {self.remote.sha256}")

    def finish(self) -> None:
        """The part becomes the file."""
        with self._writing():
            with self.path.open("r+b") as file:
                os.fsync(file.fileno())
            os.replace(self.path, self.target)
            self.origin.unlink(missing_ok=True)

    def _writing(self) -> AbstractContextManager[None]:
        return writing(self.target, self.path)


def sha256(path: Path) -> str:
    """Raises DataError where the file cannot be read."""
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise DataError(Fault(f"cannot be read: {error.strerror or error}", file=str(path))) from None


def _lock(handle: int) -> bool:
    """Whether nobody else has the lock; elsewhere than on POSIX systems there is none."""
    try:
        import fcntl
    except ImportError:
        return True
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True


# -- asking ------------------------------------------------------------------------------------------------------------


def _ask(address: str, part: _Part, timeout: float) -> None:
    """Ask an address for what is missing, and write what comes. Raises _Failed."""
    start = part.size
    headers = {"User-Agent": _AGENT, "Accept-Encoding": "identity"}
    if start:
        headers["Range"] = f"bytes={start}-"
        if version := part.validator(address):
            headers["If-Range"] = version
    try:
        with _opened(urllib.request.Request(address, headers=headers), timeout) as answer:
            begin = _begin(answer, start, part.remote.size)
            with progress.task(part.target.name, part.remote.size, "B", begin) as advance:
                part.fill(answer, begin, advance, address, _version(answer))
    except _Failed as failed:
        if failed.code != http.HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE or not start:
            raise
        part.drop()
        raise _Failed(str(failed), again=True) from None


@contextlib.contextmanager
def _opened(request: urllib.request.Request, timeout: float) -> Iterator[Any]:
    """The answer of a server. Raises _Failed."""
    try:
        answer = _opener(request.full_url).open(request, timeout=timeout)
    except urllib.error.HTTPError as error:
        error.close()
        raise _Failed(f"answers {error.code} {_reason(error.reason)}", error.code in _AGAIN, error.code) from None
    except urllib.error.URLError as error:
        raise _Failed(_reason(error.reason) + _through(request.full_url), _passes(error.reason)) from None
    except (OSError, http.client.HTTPException, ValueError) as error:
        again = isinstance(error, OSError | http.client.HTTPException)
        raise _Failed(_reason(error) + _through(request.full_url), again) from None
    with answer:
        yield answer


def _read(stream: IO[bytes]) -> bytes:
    """What has come. Raises _Failed."""
    try:
        return stream.read1(_CHUNK) if hasattr(stream, "read1") else stream.read(_CHUNK)
    except (OSError, http.client.HTTPException) as error:
        raise _Failed(_reason(error), again=True) from None


def _begin(answer: Any, start: int, size: int) -> int:
    """Where in the file the answer begins. Raises _Failed where it is of a file of another size."""
    length = answer.headers.get("Content-Length", "")
    if answer.status == 206:
        unit, _, span = answer.headers.get("Content-Range", "").strip().partition(" ")
        first, _, total = span.partition("/")
        if unit != "bytes" or first.partition("-")[0] != str(start):
            raise _Failed(f"gives another part of the file than the one from {start:,} on")
        length = total if total != "*" else ""
    elif answer.status == 200:
        start = 0
    else:
        raise _Failed(f"answers {answer.status} {answer.reason}")
    if length.isdigit() and int(length) != size:
        raise _Failed(f"has a file of {int(length):,} bytes, the right one has {size:,}")
    return start


def _version(answer: Any) -> str:
    """What tells this version of the file from others: a strong entity tag; empty where there is none."""
    tag = str(answer.headers.get("ETag", ""))
    return tag if tag.startswith('"') else ""


def _reason(error: Any) -> str:
    if isinstance(error, TimeoutError):
        return "no answer in time"
    text = getattr(error, "strerror", None) or str(error) or type(error).__name__
    return " ".join(str(text).split())


def _passes(reason: Any) -> bool:
    """Whether the fault may be another one a moment later: not where the name is unknown or nobody listens."""
    return isinstance(reason, TimeoutError | ConnectionResetError)


class _Redirects(urllib.request.HTTPRedirectHandler):
    """Goes where it is sent, but not from an encrypted connection to an open one, nor elsewhere than the network."""

    max_redirections = MOST_REDIRECTS

    def redirect_request(
        self, req: urllib.request.Request, fp: Any, code: int, msg: str, headers: Any, newurl: str
    ) -> urllib.request.Request | None:
        before, after = urlsplit(req.full_url).scheme, urlsplit(urljoin(req.full_url, newurl)).scheme
        if after not in ("http", "https") or (before == "https" and after == "http"):
            raise urllib.error.URLError(f"sends on to {newurl}, which is not encrypted")
        return super().redirect_request(req, fp, code, msg, headers, newurl)


def _opener(address: str) -> urllib.request.OpenerDirector:
    """Speaks HTTP and nothing else; by the proxy that the environment names, but to this machine itself without."""
    opener = urllib.request.OpenerDirector()
    handlers: list[Any] = [
        urllib.request.ProxyHandler({} if _is_here(address) else None),
        urllib.request.HTTPHandler(),
        urllib.request.HTTPSHandler(),
        urllib.request.HTTPDefaultErrorHandler(),
        urllib.request.HTTPErrorProcessor(),
        urllib.request.UnknownHandler(),
        _Redirects(),
    ]
    for handler in handlers:
        opener.add_handler(handler)
    return opener


def _through(address: str) -> str:
    """Which proxy was asked, for messages: where one does not answer, it is not the server's fault."""
    parts = urlsplit(address)
    proxy = urlsplit(urllib.request.getproxies().get(parts.scheme, ""))
    if not proxy.hostname or _is_here(address) or urllib.request.proxy_bypass(parts.hostname or ""):
        return ""
    return f" (through the proxy {proxy.hostname}{f':{proxy.port}' if proxy.port else ''})"


def _is_here(address: str) -> bool:
    host = urlsplit(address).hostname or ""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
