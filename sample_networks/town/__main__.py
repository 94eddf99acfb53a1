"""``python -m sample_networks.town``: write the sample site, or print what it does hydraulically."""

from __future__ import annotations

import argparse
from pathlib import Path

from sample_networks.town.site import SEED, generate, save

HOME = Path(__file__).parent.parent / "jiaozhou"


def main() -> None:
    """Write the site, or with ``--report`` solve the one that is there."""
    parser = argparse.ArgumentParser(prog="python -m sample_networks.town", description="Writes the sample site.")
    parser.add_argument("--seed", type=int, default=SEED, help=f"which town (default {SEED})")
    parser.add_argument("--report", action="store_true", help="write nothing; solve the site and print its figures")
    parser.add_argument("out", type=Path, nargs="?", default=HOME, help="the site's folder")
    arguments = parser.parse_args()
    if arguments.report:
        from sample_networks.town.report import report

        print(report(arguments.out))
        return
    save(generate(arguments.seed), arguments.out)
    from sample_networks.town.history import export

    (arguments.out / "history.csv").write_text(export(arguments.out), encoding="utf-8", newline="\n")


if __name__ == "__main__":
    main()
