#!/usr/bin/env python3
"""Makes seeds of the recorded cases, in `corpus/<target>`: charts as they are and as archives, functions in handfuls."""

import gzip
import io
import json
import pathlib
import tarfile

FOLDER = pathlib.Path(__file__).resolve().parent
CASES = FOLDER.parent / "tests" / "it" / "cases"
FUNCTIONS = FOLDER.parent / "tests" / "it" / "functions"
LARGEST = 16 << 10
HANDFUL = 8
RELEASE = {
    "name": "r",
    "namespace": "n",
    "version": 2,
    "info": {"status": "deployed", "description": "Install complete", "first_deployed": "2024-05-06T07:08:09Z", "notes": "x"},
    "config": {"a": {"b": [1, 2.5, None, True]}},
    "manifest": "---\nkind: ConfigMap\n",
    "hooks": [{"name": "h", "kind": "Job", "path": "c/templates/h.yaml", "manifest": "kind: Job", "events": ["pre-install"], "weight": -5}],
    "chart": {
        "metadata": {"name": "c", "version": "1.2.3", "apiVersion": "v2", "dependencies": [{"name": "d", "version": "1"}]},
        "lock": None,
        "templates": [{"name": "templates/a.yaml", "data": "a2luZDogQ29uZmlnTWFw"}],
        "values": {"a": 1},
        "schema": "e30=",
        "files": [],
    },
}


def write(target, name, content):
    folder = FOLDER / "corpus" / target
    folder.mkdir(parents=True, exist_ok=True)
    if len(content) <= LARGEST:
        (folder / name).write_bytes(content)


def tar(chart):
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.USTAR_FORMAT) as archive:
        archive.add(chart, arcname="c")
    return buffer.getvalue()


def main():
    for case in sorted(CASES.iterdir()):
        chart = case / "chart"
        if not chart.is_dir():
            continue
        values = chart / "values.yaml"
        values = values.read_bytes() if values.is_file() else b""
        templates = [file.read_bytes() for file in sorted(chart.glob("templates/*")) if file.is_file()]
        write("templates", case.name, b"\0".join(templates))
        write("renders", case.name, b"\0".join([values, *templates]))
        archive = tar(chart)
        write("archives", f"{case.name}.tar", archive)
        write("archives", f"{case.name}.tgz", gzip.compress(archive, mtime=0))
        write("values", case.name, b"a.b[1].c=d,e={f,g}\0" + values)
    for table in sorted(FUNCTIONS.glob("*.json")):
        rows = [row["t"].encode() for row in json.loads(table.read_text()) if "t" in row and "o" in row]
        for start in range(0, len(rows), HANDFUL):
            write("renders", f"{table.stem}-{start}", b"\0".join([b"", *rows[start : start + HANDFUL]]))
    release = json.dumps(RELEASE).encode()
    write("records", "json", release)
    write("records", "gzip", gzip.compress(release, mtime=0))


main()
