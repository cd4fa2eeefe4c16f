"""Write the simulated tables of docs/statistics.md, all of them or those of the modules named.

python -m tests.simulations.tables [--runs 2000] [bounds truths plan clusters pairs coverage life]
"""

from __future__ import annotations

import argparse
import importlib

from tests.simulations.rates import DOCUMENT, write

MODULES = ("bounds", "truths", "plan", "clusters", "pairs", "coverage", "life")


def main() -> None:
    """Simulate and write."""
    options = argparse.ArgumentParser(description="Write the simulated tables of docs/statistics.md.")
    options.add_argument("modules", nargs="*", default=MODULES, help=f"of {', '.join(MODULES)}; all of them")
    options.add_argument("--runs", type=int, default=2000, help="samples a cell")
    given = options.parse_args()
    for module in given.modules:
        found = importlib.import_module(f"tests.simulations.test_{module}").tables(given.runs)
        for name, text in found.items():
            write(DOCUMENT, name, text)


if __name__ == "__main__":
    main()
