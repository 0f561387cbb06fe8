#!/usr/bin/env bash
# Prints megabytes per second of parsing and writing: flux-yaml, saphyr and Go's libraries on the same files.
# Usage: bench.sh [FILE...]; without files, on generated manifests of 0.5 and 4 MB. Needs Go.
set -euo pipefail
cd "$(dirname "$0")"
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
if [ $# -eq 0 ]; then
  for size in 500000 4000000; do
    cargo run --quiet --release -p flux-yaml --example manifests -- "$size" >"$scratch/manifests-$size.yaml"
    set -- "$@" "$scratch/manifests-$size.yaml"
  done
fi
(cd benches/go && go build -o "$scratch/bench-go" .)
cargo bench --quiet -p flux-yaml --bench throughput -- "$@" 2>/dev/null
"$scratch/bench-go" "$@"
