#!/usr/bin/env bash
# Builds the same trees with the real kustomize and with `--example build`, in turn and in one run, and prints wall
# times, peak memory and their ratios. Both programs are static executables, as Go links its own. Needs cargo, Go (once,
# for the real binary, kept in the user's cache) and Python.
set -euo pipefail
cd "$(dirname "$0")"

version=v5.8.1
kustomize=${KUSTOMIZE:-${XDG_CACHE_HOME:-$HOME/.cache}/flux-kustomize/$version/kustomize}
if [ ! -x "$kustomize" ]; then
  GOBIN=$(dirname "$kustomize") go install "sigs.k8s.io/kustomize/kustomize/v5@$version"
fi

host=$(rustc -vV | sed -n 's/^host: //p')
RUSTFLAGS="-C target-feature=+crt-static -C relocation-model=static" \
  cargo build --release --quiet --target "$host" --package flux-kustomize --example build
target=${CARGO_TARGET_DIR:-$(cargo metadata --format-version 1 --no-deps | sed -E 's/.*"target_directory":"([^"]*)".*/\1/')}
echo "$(uname -m), $(nproc) processors, $(sed -n 's/^model name[^:]*: //p' /proc/cpuinfo | head -n 1)"
PYTHONDONTWRITEBYTECODE=1 PYTHONPATH=../bench python3 bench/compare.py "$kustomize" "$target/$host/release/examples/build"
