"""``python -m sample_networks.town``: write the sample site, or print what it does hydraulically."""

from __future__ import annotations

import argparse
from pathlib import Path

from sample_networks.town.site import SEED, generate, save


def main() -> None:
    """Write the site, and with ``--report`` solve it."""
    parser = argparse.ArgumentParser(prog="python -m sample_networks.town", description="Writes the sample site.")
    parser.add_argument("--seed", type=int, default=SEED, help=f"which town (default {SEED})")
    parser.add_argument("--out", type=Path, default=Path(__file__).parent.parent / "jiaozhou", help="the site's folder")
    parser.add_argument("--report", action="store_true", help="solve the site with EPANET and print its figures")
    arguments = parser.parse_args()
    save(generate(arguments.seed), arguments.out)
    from sample_networks.town.history import export

    (arguments.out / "history.csv").write_text(export(arguments.out), encoding="utf-8")
    if arguments.report:
        from sample_networks.town.report import report

        print(report(arguments.out))


if __name__ == "__main__":
    main()
