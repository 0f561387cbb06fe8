#!/usr/bin/env python3
"""Renders every chart of a folder with the real helm and with this crate, and compares whole outputs.

    conformance.py HELM TEMPLATE CHARTS [PATTERN]

HELM and TEMPLATE are programs, CHARTS is a folder of chart directories and archives, PATTERN (a regular expression)
chooses among the runs. Each chart is rendered with its defaults under several versions of Kubernetes, and with each of
its `ci/*-values.yaml` and of the files `<chart>.<name>.values.yaml` beside it. What differs between two runs of helm
itself (random values, dates) is left out. Prints the first difference of each run that differs, and `N of M`.
"""

import itertools
import pathlib
import re
import subprocess
import sys

KUBE_VERSIONS = ["", "1.28.0", "1.33.0"]


def render(program, arguments):
    """Exit status, and the lines printed: on failure those of the error alone."""
    done = subprocess.run([*program, "release", *arguments], capture_output=True, timeout=600)
    if done.returncode == 0:
        return 0, done.stdout.decode(errors="replace").split("\n")
    lines = done.stderr.decode(errors="replace").split("\n")
    starts = [index for index, line in enumerate(lines) if line.startswith("Error: ")]
    return 1, lines[starts[0] :] if starts else lines


def runs(folder):
    for chart in sorted(pathlib.Path(folder).iterdir()):
        if not (chart.is_dir() and (chart / "Chart.yaml").exists() or chart.suffix == ".tgz"):
            continue
        for version in KUBE_VERSIONS:
            yield f"{chart.name} kube={version or 'default'}", [chart] + (["--kube-version", version] if version else [])
        own = sorted(chart.glob("ci/*values.yaml")) if chart.is_dir() else []
        beside = sorted(chart.parent.glob(f"{chart.name.removesuffix('.tgz')}.*.values.yaml"))
        for values in own + beside:
            yield f"{chart.name} {values.name}", [chart, "-f", values]


def difference(first, second, ours):
    """The first line that differs from what helm prints each time; None if there is none."""
    if first[0] != second[0] or first[0] != ours[0]:
        return f"status {ours[0]}, wanted {first[0]}: {ours[1][0] if ours[0] else first[1][0]}"
    if len(first[1]) != len(second[1]):
        return None if first[0] else "helm itself prints more or fewer lines each time"
    for index, lines in enumerate(itertools.zip_longest(first[1], second[1], ours[1])):
        wanted, again, got = lines
        if wanted == again and wanted != got:
            return f"line {index + 1}\n    wanted {wanted!r}\n    got    {got!r}"
    return None


def main():
    helm, template, folder = sys.argv[1:4]
    pattern = re.compile(sys.argv[4] if len(sys.argv) > 4 else "")
    equal = total = 0
    for name, arguments in runs(folder):
        if not pattern.search(name):
            continue
        arguments = [str(argument) for argument in arguments]
        first, second = (render([helm, "template"], arguments) for _ in range(2))
        found = difference(first, second, render([template], arguments))
        total += 1
        equal += found is None
        if found:
            print(f"{name}: {found}", flush=True)
    print(f"{equal} of {total}")
    sys.exit(equal != total)


main()
