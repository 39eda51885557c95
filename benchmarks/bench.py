"""`make bench`: measures how long Strata's work takes with millions of rows, as a table for the README.

Measures SQLite, and PostgreSQL too where BENCH_POSTGRESQL names a database that may be filled. Both are seeded once
and kept. Each database is measured by a separate process (benchmarks/work.py). With PostgreSQL, what a pooler, a
standby and a second machine cost comes after that (benchmarks/clusters/scale.py, on a cluster of its own).
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
SQLITE = f"sqlite:///{ROOT}/.data/bench.db"


def measured(url: str, options: argparse.Namespace) -> dict:
    """The results of one database: {"vendor", "snapshots", "rows": [[work, bar, figure, queries], ...]}."""
    env = os.environ | {"DATABASE_URL": url, "API_THROTTLE": "off", "LOG_LEVEL": "WARNING"}
    command = [sys.executable, str(ROOT / "benchmarks" / "work.py"), "--households", str(options.households)]
    command += ["--times", str(options.times), "--seconds", str(options.seconds)]
    command += ["--only", options.only] if options.only else []
    command += ["--no-investments"] if options.no_investments else []
    done = subprocess.run(command, cwd=ROOT, env=env, stdout=subprocess.PIPE, text=True)
    if done.returncode:
        raise SystemExit(done.returncode)
    return json.loads(done.stdout)


def processor() -> str:
    cpuinfo = Path("/proc/cpuinfo")
    lines = cpuinfo.read_text().splitlines() if cpuinfo.exists() else []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor()


def table(results: list[dict]) -> str:
    """One row for each work, with its bar (the limit). A figure over its bar is bold. Databases may differ in bars,
    and in works: what one of them was not measured for is a dash there."""
    heads = [f"{result['vendor']}, ms" for result in results]
    lines = [
        f"| work | bar | {' | '.join(heads)} | queries |",
        f"| --- | ---: | {' | '.join(['---:'] * len(results))} | ---: |",
    ]
    measured_works = [{row[0]: row[1:] for row in result["rows"]} for result in results]
    for work in dict.fromkeys(work for works in measured_works for work in works):
        cells = [works.get(work, (None, None, None)) for works in measured_works]
        bars = [f"{bar:g}" if bar else "" for bar, figure, _ in cells if figure is not None]
        bar = bars[0] if len(set(bars)) == 1 else " / ".join(bar or "-" for bar in bars)
        queries = next((queries for _, _, queries in cells if queries), "")
        lines.append(f"| {work} | {bar} | {' | '.join(map(shown, cells))} | {queries} |")
    return "\n".join(lines)


def shown(cell: tuple) -> str:
    bar, figure, _ = cell
    if figure is None:
        return "-"
    return f"**{figure:.1f}**" if bar and figure > bar else f"{figure:.1f}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--households", type=int, default=2000, help="of dataset T (default: 2000)")
    parser.add_argument("--times", type=int, default=15, help="calls for each median (default: 15)")
    parser.add_argument("--seconds", type=int, default=20, help="of load on the server (default: 20)")
    parser.add_argument("--only", default="", help="a regular expression for what to measure")
    parser.add_argument(
        "--no-investments", action="store_true", help="leave out the dataset I, which is large"
    )
    options = parser.parse_args()
    urls = [SQLITE, *filter(None, [os.environ.get("BENCH_POSTGRESQL")])]
    results = [measured(url, options) for url in urls]
    print(f"{platform.machine()}, {os.cpu_count()} cores ({processor()}), Python {platform.python_version()}")
    print(
        "; ".join(f"{result['vendor']}: {result['snapshots']:,} snapshots" for result in results), end="\n\n"
    )
    print(table(results))
    if len(urls) > 1 and re.search(options.only, "scale"):
        command = [
            sys.executable,
            str(ROOT / "benchmarks" / "clusters" / "scale.py"),
            str(options.seconds / 2),
        ]
        print(flush=True)
        subprocess.run(command, cwd=ROOT, check=True)


if __name__ == "__main__":
    main()
