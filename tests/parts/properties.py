"""How often property tests look, and the hostile values that they look with.

`make test` takes few examples, the same each time; `make soak` takes many, each time others.
"""

import json
import os
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st

FEW, MANY = 40, 1000

# Examples of one test share its fixtures: each must leave everything as it was, or say so.
SHARED = [HealthCheck.function_scoped_fixture, HealthCheck.too_slow]


def choose_profile() -> None:
    """Take the profile that HYPOTHESIS_PROFILE names, which is what `make soak` sets."""
    common: dict[str, Any] = {"deadline": None, "database": None, "suppress_health_check": SHARED}
    settings.register_profile("quick", max_examples=FEW, derandomize=True, **common)
    settings.register_profile("soak", max_examples=MANY, print_blob=True, **common)
    settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "quick"))


def fewer(share: int) -> settings:
    """A part of the usual number of examples, for a test whose examples take long."""
    return settings(max_examples=max(5, settings().max_examples // share))


# Text that nobody types: NUL, lone surrogates, right-to-left marks, very long, markup, templates.
NASTY = st.sampled_from(
    [
        "",
        " ",
        "\x00",
        "a\x00b",
        "\ud800",
        "\udfff\ud800",
        "\u202e",
        "\u0130",
        "\U0010ffff",
        "0" * 5000,
        "<script>alert(1)</script>",
        "{{ 7 * 7 }}{% raw %}",
        "'; DROP TABLE card; --",
        "../../etc/passwd",
        "%s%n%00",
        "١٢٣٤",
        "²",
        "-1",
        "1e400",
        "NaN",
        "null",
        "A.B.C",
        "eyJhbGciOiJub25lIn0.e30.",
    ]
)
TEXTS = st.one_of(NASTY, st.text(max_size=40), st.text(alphabet="0123456789abcdef-_.", max_size=64))
NUMBERS = st.one_of(
    st.integers(),
    st.sampled_from([0, -1, 2**31, 2**63, 2**64, 10**30, 1e308, -0.0]),
    st.floats(),  # NaN and infinity, too: Python's JSON reads them
)
SCALARS = st.one_of(st.none(), st.booleans(), NUMBERS, TEXTS)
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.one_of(
        st.lists(inner, max_size=4), st.dictionaries(st.text(max_size=12), inner, max_size=4)
    ),
    max_leaves=8,
)

# Frames and bodies that are wrong before anybody asks what they mean.
BROKEN_JSON = st.sampled_from(
    [
        "",
        "{",
        "nul",
        "[" * 900 + "]" * 900,
        "[" * 30_000,
        '{"a":' * 5000 + "1" + "}" * 5000,
        '{"id": ' + "9" * 5000 + "}",
        '{"id": 1, "id": [], "command": "step", "command": 7}',
        '{"command": "\\ud800"}',
        '{"\\u0000": "\\u0000"}',
        "\ufeff{}",
        "1e999999",
        "-" * 100,
        "NaN",
        '"text"',
        "[]",
        "null",
    ]
)


def altered(good: dict[str, Any]) -> st.SearchStrategy[dict[str, Any]]:
    """A good message in which some fields are missing, hostile, or new."""
    names = st.one_of(st.sampled_from(sorted(good)), TEXTS)
    changes = st.dictionaries(names, st.one_of(st.just(...), VALUES), min_size=1, max_size=3)

    def change(by: dict[str, Any]) -> dict[str, Any]:
        return {name: value for name, value in (good | by).items() if value is not ...}

    return changes.map(change)


def as_json(value: Any) -> str:
    """JSON as a hostile page writes it: NaN, lone surrogates and all."""
    return json.dumps(value)
