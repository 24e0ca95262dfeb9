"""Which test goes to which worker: `tests/conftest.py` hands this to pytest-xdist."""

import re

from xdist.scheduler import LoadScopeScheduling

# Servers or a whole service that start for these tests alone
TOGETHER = re.compile(r"(tests/browser/test_presence)\.py|(tests/workers/).*\[(sqlite|postgresql)")


class SharedStarts(LoadScopeScheduling):
    """Tests that share what takes long to start go to one worker, each other one to any.

    Marks of `--dist loadgroup` say nothing to pytest-xdist 3.8 any more since pytest 9.2.
    """

    def _split_scope(self, nodeid: str) -> str:
        found = TOGETHER.match(nodeid)
        return " ".join(filter(None, found.groups())) if found else nodeid
