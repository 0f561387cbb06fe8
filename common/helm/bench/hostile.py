"""Renders charts that are made to harm with this crate, each in a process of its own, and prints a Markdown table.

hostile.py TEMPLATE: the example `template`. Fails if one of them renders, takes longer than a second or more than 128 MiB.
"""

import io
import pathlib
import subprocess
import sys
import tarfile
import tempfile
import time

SECONDS, MEBIBYTES = 1.0, 128
METADATA = "apiVersion: v2\nname: hostile\nversion: 1.0.0\n"
ENDLESS = "{{ range until 1000000 }}{{ range until 1000000 }}x{{ end }}{{ end }}"
TEMPLATES = {
    "a loop in a loop": ENDLESS,
    "output without end": "{{ range until 1000000 }}{{ range until 1000 }}{{ repeat 1000 `x` }}{{ end }}{{ end }}",
    "include that includes itself": '{{ define "a" }}{{ include "a" . }}{{ end }}{{ include "a" . }}',
    "template that calls itself": '{{ define "a" }}{{ template "a" . }}{{ end }}{{ template "a" . }}',
    "tpl that runs itself": '{{ $t := "{{ tpl .t . }}" }}{{ tpl $t (dict "t" $t "Template" .Template) }}',
    "printf with a huge width": "{{ printf `%1000000000d` 1 }}",
    "printf with many widths": "{{ printf (repeat 1000 `%999999d`) 1 }}",
    "repeat 1e9": "{{ repeat 1000000000 `x` }}",
    "texts that double": "{{ $x := `xxxxxxxx` }}{{ range until 100 }}{{ $x = print $x $x }}{{ end }}",
    "lists that double": "{{ $x := list 1 2 }}{{ range until 100 }}{{ $x = concat $x $x }}{{ end }}",
    "many maps": "{{ range until 1000000 }}{{ $_ := dict `a` . }}{{ end }}",
    "many lists": "{{ range until 1000000 }}{{ $_ := list . . . }}{{ end }}",
    "a map that grows": "{{ $m := dict }}{{ range until 1000000 }}{{ $_ := set $m (toString .) . }}{{ end }}",
    "texts that are kept": "{{ $l := list }}{{ range until 1000 }}{{ $l = append $l (repeat 1000000 (toString .)) }}{{ end }}",
    "a map of itself": "{{ $d := dict }}{{ $_ := set $d `d` $d }}{{ mustToYaml $d }}",
    "a deep map": "{{ $d := dict }}{{ range until 100000 }}{{ $d = dict `d` $d }}{{ end }}{{ mustToJson $d }}",
    "a regular expression of many states": "{{ regexMatch `(x{1000}){1000}` `y` }}",
    "a regular expression that backtracks": "{{ mustRegexMatch `(x+x+)+y` (repeat 10000000 `x`) }}{{ fail `done` }}",
    "many regular expressions": "{{ range until 100000 }}{{ $_ := mustRegexMatch (print `(a|b|c){500}` .) `y` }}{{ end }}",
    "many keys": "{{ range until 1000 }}{{ $_ := genCA `a` 1 }}{{ end }}",
    "deep parentheses": "{{ " + "(" * 100_000 + "1" + ")" * 100_000 + " }}",
    "deep conditions": "{{ if 1 }}" * 100_000 + "{{ end }}" * 100_000,
    "much YAML": "{{ fromYamlArray (printf `[%s]` (repeat 4000000 `a,`)) | len }}{{ fail `read` }}",
    "much JSON": "{{ fromJsonArray (printf `[%s1]` (repeat 4000000 `1,`)) | len }}{{ fail `read` }}",
    "much TOML": "{{ fromToml (printf `a = [%s1]` (repeat 4000000 `1,`)) | len }}{{ fail `read` }}",
    "an alias bomb in fromYaml": "{{ mustFromJson (fromYaml (printf `a: &a [x]\n%s` .Values.bomb) | toJson) }}",
}
BOMB = "bomb: |\n" + "".join(f"  a{n}: &a{n} [{', '.join([f'*a{n - 1}' if n else 'x'] * 10)}]\n" for n in range(12))


def chart(folder, template):
    (folder / "templates").mkdir(parents=True)
    (folder / "Chart.yaml").write_text(METADATA)
    (folder / "values.yaml").write_text(BOMB)
    (folder / "templates" / "a.yaml").write_text(template)
    return folder


def archive(path, entries):
    """A gzipped tar of (name, size, link): contents are noughts."""
    with tarfile.open(path, "w:gz", compresslevel=1) as tar:
        for name, size, link in entries:
            info = tarfile.TarInfo(f"hostile/{name}")
            if link:
                info.type, info.linkname = tarfile.SYMTYPE, link
                tar.addfile(info)
            elif name == "Chart.yaml":
                info.size = len(METADATA)
                tar.addfile(info, io.BytesIO(METADATA.encode()))
            else:
                info.size = size
                tar.addfile(info, io.BytesIO(bytes(size)))
    return path


def charts(root):
    for number, (name, template) in enumerate(TEMPLATES.items()):
        yield name, chart(root / str(number), template)
    metadata = ("Chart.yaml", 0, None)
    yield "an archive of 1e6 files", archive(
        root / "files.tgz", [metadata, *((f"files/{number}", 0, None) for number in range(1_000_000))]
    )
    yield "an archive of much content", archive(
        root / "content.tgz", [metadata, *((f"files/{number}", 5 << 20, None) for number in range(100))]
    )
    yield "an archive with one huge file", archive(root / "huge.tgz", [metadata, ("values.yaml", 1 << 30, None)])
    linked = [metadata, ("values.yaml", 0, "/dev/zero"), ("templates/a.yaml", 0, "/etc/passwd")]
    yield "an archive of links", archive(root / "links.tgz", linked)
    directory = chart(root / "links", "{{ fail `read` }}")
    (directory / "files").symlink_to(directory)
    yield "a directory with a loop of links", directory


def main():
    template = sys.argv[1]
    failed = False
    print("| Chart | Seconds | MiB | Error |")
    print("|---|---|---|---|")
    with tempfile.TemporaryDirectory() as root, tempfile.NamedTemporaryFile("r") as report:
        for name, path in charts(pathlib.Path(root)):
            began = time.perf_counter()
            command = ["time", "-q", "-f", "%M", "-o", report.name, template, "release", path]
            done = subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, check=False)
            seconds = time.perf_counter() - began
            report.seek(0)
            memory = int(report.read()) / 1024
            error = done.stderr.decode(errors="replace").partition("\n")[0].removeprefix("Error: ")
            harmless = name.endswith("of links") and done.returncode == 0
            bad = seconds > SECONDS or memory > MEBIBYTES or (done.returncode != 1 and not harmless)
            failed |= bad
            print(f"| {'**' if bad else ''}{name} | {seconds:.2f} | {memory:.0f} | {error[-100:] or 'none'} |")
    sys.exit(failed)


main()
