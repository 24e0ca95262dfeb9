"""One world for each worker of the tests: its operations are prepared once."""

from collections.abc import Iterator

import pytest

from tests.faults.matrix import Bench
from tests.faults.world import a_world


@pytest.fixture(scope="session")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    with a_world(tmp_path_factory.mktemp("world")) as world:
        yield Bench(world)
