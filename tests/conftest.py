"""What tests of several rooms use."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.fetch.server import Server, serving


@pytest.fixture
def server() -> Iterator[Server]:
    """A web server on this machine, which answers what the test tells it to."""
    with serving() as made:
        yield made
