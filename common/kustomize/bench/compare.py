"""Builds each workload with kustomize and with ours in turn, and prints a Markdown table.

compare.py KUSTOMIZE OURS: the two programs. Wall time is that of the whole process; peak memory is what the kernel
accounts to it, taken in a run of its own by GNU time where that is installed (else through the parent, whose own size
is then a lower bound). Fails when the outputs differ in a byte. A build that takes longer than LIMIT seconds (an
environment variable, 600 by default) is stopped and counts as that long: kustomize takes hours for the largest tree.
"""

import math
import os
import resource
import statistics
import subprocess
import sys
import tempfile

import process
import workload

LIMIT = float(os.environ.get("LIMIT", "600"))
RUNS = {"10 resources": 41, "1,000 resources": 9, "10,000 resources": 3}


def build(command):
    """The output of one build, or None after the limit."""
    try:
        done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, check=False, timeout=LIMIT)
    except subprocess.TimeoutExpired:
        return None
    if done.returncode != 0:
        sys.exit(f"{command}: {done.stderr.decode()}")
    return done.stdout


def measure(name, commands):
    """Prints the row of one workload; gives the median wall times in milliseconds, endless where the limit struck."""
    outputs = [build(command) for command in commands]  # also the warm-up
    finished = [output is not None for output in outputs]
    if all(finished) and outputs[0] != outputs[1]:
        sys.exit(f"{name}: the outputs differ")
    walls = [[], []]
    for _ in range(RUNS[name]):
        for side, command in enumerate(commands):
            if finished[side]:
                walls[side].append(process.wall(command))
    theirs, mine = (statistics.median(side) if side else LIMIT * 1000 for side in walls)
    peaks = [
        statistics.median(process.peak(command) for _ in range(3)) if done else math.nan
        for command, done in zip(commands, finished)
    ]
    over = "" if finished[0] else "> "
    print(
        f"| {name}, {len(outputs[1]) / 1024:,.0f} KiB | {RUNS[name]} | {over}{theirs:,.1f} ms | {mine:,.1f} ms "
        f"| {over}{theirs / mine:.1f} x | {peaks[0]:.1f} MiB | {peaks[1]:.1f} MiB | {peaks[0] / peaks[1]:.1f} x |",
        flush=True,
    )
    return theirs if finished[0] else math.inf, mine


def main():
    kustomize, ours = sys.argv[1:]
    flags = ["--load-restrictor", "LoadRestrictionsNone"]
    print("| Workload | Runs | kustomize | ours | Faster | kustomize peak | ours peak | Less memory |")
    print("|---|---|---|---|---|---|---|---|")
    with tempfile.TemporaryDirectory() as root:
        medians = {
            name: measure(name, [[kustomize, "build", *flags, str(folder)], [ours, *flags, str(folder)]])
            for name, folder in workload.write_all(root).items()
        }
    print()
    growth = [medians["10,000 resources"][side] / medians["1,000 resources"][side] for side in (0, 1)]
    theirs = f"{growth[0]:.1f} x as long" if math.isfinite(growth[0]) else "not done within the limit"
    print(f"10,000 against 1,000 resources: kustomize {theirs}, ours {growth[1]:.1f} x as long.")


if __name__ == "__main__":
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    main()
