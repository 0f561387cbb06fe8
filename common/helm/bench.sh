#!/usr/bin/env bash
# Renders charts with the real helm and with this crate in one run: bench.sh [CHART...]. Whole processes against
# `helm template`, as static executables, which is how Go links its own; in process against Helm's engine. Needs cargo,
# Go (once, for helm, kept in the user's cache), Python and GNU time.
set -euo pipefail
cd "$(dirname "$0")"

helm=$(../../e2e/helm/build)
engine="$(dirname "$helm")/engine"
GOTOOLCHAIN=local CGO_ENABLED=0 go -C bench/engine build -trimpath -ldflags "-s -w" -o "$engine" .

host=$(rustc -vV | sed -n 's/^host: //p')
RUSTFLAGS="-C target-feature=+crt-static -C relocation-model=static" \
  cargo build --release --quiet --target "$host" --package flux-helm --example template --example measure
target=${CARGO_TARGET_DIR:-$(cargo metadata --format-version 1 --no-deps | sed -E 's/.*"target_directory":"([^"]*)".*/\1/')}
examples="$target/$host/release/examples"
echo "$(uname -m), $(nproc) processors, $(sed -n 's/^model name[^:]*: //p' /proc/cpuinfo | head -n 1)"
export PYTHONDONTWRITEBYTECODE=1 PYTHONPATH=../bench
python3 bench/compare.py "$helm" "$engine" "$examples/template" "$examples/measure" "$@"
echo
python3 bench/hostile.py "$examples/template"
