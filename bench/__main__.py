"""`make bench`: measure everything, print a table, keep the figures in bench/results."""

import argparse
from collections.abc import Callable
from pathlib import Path

from bench import (
    answers,
    bridge_round_trip,
    ocsp,
    page_weight,
    profile_page,
    removal,
    renewal,
    sign_in,
    unlock,
    unlock_alone,
)
from bench.figures import Figure, as_table, write_down

RESULTS = Path(__file__).parent / "results" / "latest.json"
MEASUREMENTS: dict[str, Callable[[], list[Figure]]] = {
    "bridge-round-trip": bridge_round_trip.measure,
    "sign-in": sign_in.measure,
    "renewal": renewal.measure,
    "unlock": unlock.measure,
    "unlock-alone": unlock_alone.measure,
    "answers": answers.measure,
    "removal": removal.measure,
    "profile-page": profile_page.measure,
    "page-weight": page_weight.measure,
    "ocsp": ocsp.measure,
}


def main() -> None:
    parser = argparse.ArgumentParser(prog="make bench", description=__doc__)
    parser.add_argument("--only", choices=MEASUREMENTS, help="measure one thing")
    only = parser.parse_args().only
    figures: list[Figure] = []
    for name, measure in MEASUREMENTS.items():
        if only in (None, name):
            print(f"measuring {name} …", flush=True)
            figures += measure()
    print()
    print(as_table(figures))
    write_down(figures, RESULTS)


if __name__ == "__main__":
    main()
