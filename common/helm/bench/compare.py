"""Renders charts with helm and with this crate in turn and in one run, and prints Markdown tables.

compare.py HELM ENGINE TEMPLATE MEASURE [CHART...]: helm, `bench/engine`, and the examples `template` and `measure`. The
generated charts of workload.py come first, then the given ones. Whole processes: wall time, and peak memory as the kernel
accounts it (GNU time). In process: medians of ENGINE and MEASURE. Fails when outputs differ in a byte that does not differ
between two runs of helm itself (random values).
"""

import json
import os
import pathlib
import statistics
import subprocess
import sys
import tempfile

import process
import workload

RUNS = int(os.environ.get("RUNS", "11"))
SECONDS = os.environ.get("SECONDS_EACH", "5")


def output(command):
    done = subprocess.run([str(part) for part in command], stdout=subprocess.PIPE, stderr=subprocess.PIPE, check=False)
    if done.returncode != 0:
        sys.exit(f"{command}: {done.stderr.decode()}")
    return done.stdout


def whole_processes(helm, template, charts):
    print("| Chart | Output | helm template | ours | Faster | helm peak | ours peak | Less memory |")
    print("|---|---|---|---|---|---|---|---|")
    for name, chart in charts.items():
        commands = [[helm, "template", "release", str(chart)], [template, "release", str(chart)]]
        first, again, ours = (output(command).split(b"\n") for command in [commands[0], *commands])
        if len(first) != len(ours) or any(a == b != c for a, b, c in zip(first, again, ours)):
            sys.exit(f"{name}: the outputs differ")
        walls = [[], []]
        for _ in range(RUNS):
            for side, command in enumerate(commands):
                walls[side].append(process.wall(command))
        theirs, mine = (statistics.median(side) for side in walls)
        peaks = [statistics.median(process.peak(command) for _ in range(3)) for command in commands]
        print(
            f"| {name} | {len(first):,} lines | {theirs:,.1f} ms | {mine:,.1f} ms | {theirs / mine:.1f} x "
            f"| {peaks[0]:.1f} MiB | {peaks[1]:.1f} MiB | {peaks[0] / peaks[1]:.1f} x |",
            flush=True,
        )


def in_process(engine, measure, charts):
    print("| Chart | Templates | Engine: parse and execute | execute | ours: compile | render | Faster | than execute |")
    print("|---|---|---|---|---|---|---|---|")
    for name, chart in charts.items():
        theirs = json.loads(output([engine, chart, SECONDS]))
        ours = json.loads(output([measure, "render", chart, SECONDS]))
        execute = theirs["render"] - theirs["parse"]
        print(
            f"| {name} | {ours['templates']} | {theirs['render']:.2f} ms | {execute:.2f} ms | {ours['compile']:.2f} ms "
            f"| {ours['render']:.2f} ms | {theirs['render'] / ours['render']:.1f} x | {execute / ours['render']:.1f} x |",
            flush=True,
        )


def record(measure, chart, root):
    file = pathlib.Path(root) / "record"
    file.write_bytes(output([measure, "write-record", chart, 1 << 20]))
    took = json.loads(output([measure, "record", file, SECONDS]))
    print(
        f"A record of {took['bytes'] / 1024:,.0f} KiB without its chart: {took['decode']:.2f} ms, "
        f"{took['extra'] / 1024:.1f} MiB more than before."
    )


def main():
    helm, engine, template, measure, *others = sys.argv[1:]
    with tempfile.TemporaryDirectory() as root:
        charts = workload.write_all(root) | {pathlib.Path(other).name: pathlib.Path(other).resolve() for other in others}
        whole_processes(helm, template, charts)
        print()
        in_process(engine, measure, charts)
        print()
        record(measure, charts["large"], root)


main()
