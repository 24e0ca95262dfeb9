"""A private PC/SC daemon, and the programs that use cards through it."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest

from tests.parts.pcscd import PrivatePcscd, private_pcscd
from tests.pcsc.program import Program

__all__ = ["private_pcscd"]


@pytest.fixture
def start(private_pcscd: PrivatePcscd) -> Iterator[Callable[[], Program]]:
    """Start another program that uses the daemon's cards."""
    with ExitStack() as programs:
        yield lambda: programs.enter_context(Program(private_pcscd.environment))
