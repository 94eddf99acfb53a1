"""``hydro move``: a site from the embedded store to InfluxDB, with everything it holds."""

from __future__ import annotations

import argparse
import json
import os
import sys
from pathlib import Path

from models.site import InfluxSettings


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what the command takes."""
    parser.add_argument("site", type=Path, metavar="SITE", help="folder of the site; nobody may collect meanwhile")
    parser.add_argument("--url", required=True, help="of the InfluxDB 2 server, such as http://127.0.0.1:8086")
    parser.add_argument("--org", required=True, help="organisation")
    parser.add_argument("--bucket", required=True, help="made if it is not there")
    token = parser.add_mutually_exclusive_group(required=True)
    token.add_argument("--token-env", metavar="NAME", help="environment variable that holds the token")
    token.add_argument("--token-file", metavar="FILE", help="file that holds the token, seen from the site's folder")
    parser.add_argument("--json", action="store_true", help="answer as JSON")


def run(args: argparse.Namespace) -> int:
    """Copy, count what has arrived, and only then let ``site.toml`` name the server. Run again, it goes on."""
    from cli.progress import Progress
    from models.problem import BadInput, Unavailable
    from models.site_file import load_site
    from models.whole_file import write_whole
    from stores.embedded import EmbeddedStore
    from stores.influx import InfluxStore
    from stores.move import moved, named_in_site_file

    site = load_site(args.site)
    if site.stores.telemetry != "embedded":
        raise BadInput.of("the site keeps its samples in InfluxDB already", str(site.folder / "site.toml"))
    if not site.stores.telemetry_file.exists():
        raise BadInput.of("is not there: the site has no samples to move", str(site.stores.telemetry_file))
    path, server = site.folder / "site.toml", (args.url, args.org, args.bucket)
    text = named_in_site_file(path, *server, args.token_env, args.token_file)
    source = EmbeddedStore(site.stores.telemetry_file, site.stores.retention)
    target = InfluxStore(InfluxSettings(*server, _token(args)), site.stores.retention)
    progress, mark = Progress("samples moved"), source.mark()
    try:
        target.prepare()
        for count in moved(source, target):
            progress.add(count)
        if source.mark() != mark:
            raise BadInput.of(
                "somebody has written to it meanwhile, expected that nobody collects; the site was left as it is",
                str(site.stores.telemetry_file),
            )
        arrived = sum(target.counts().values())
        if arrived < progress.end():
            raise Unavailable(
                f"InfluxDB at {args.url}: {arrived} samples are in bucket {args.bucket}, expected {progress.end()};"
                " the site was left as it is"
            )
    finally:
        target.close()
        source.close()
    write_whole(path, text)
    answer = {"samples": progress.end(), "bucket": args.bucket, "left_behind": str(site.stores.telemetry_file)}
    told = f"{progress.end()} samples are in bucket {args.bucket}; {path} names it. {answer['left_behind']} was left"
    sys.stdout.write((json.dumps(answer) if args.json else told) + "\n")
    return 0


def _token(args: argparse.Namespace) -> str:
    from models.problem import BadInput

    if args.token_env:
        if args.token_env not in os.environ:
            raise BadInput.of(f"environment variable {args.token_env} is not set, expected the token in it")
        return os.environ[args.token_env]
    path: Path = args.site / args.token_file
    try:
        return path.read_text(encoding="utf-8").strip()
    except OSError as error:
        raise BadInput.of(f"cannot be read: {error.strerror}", str(path)) from error
