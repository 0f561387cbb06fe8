#!/usr/bin/env bash
# Records the expected results of the cases beside this folder from the real kustomize (see ORIGIN.md).
#   record.sh [CASE...]     all cases without arguments
# KUSTOMIZE names a binary to use; without it the pinned version is built once with Go and kept in the user's cache.
set -euo pipefail

version=v5.8.1
here=$(cd "$(dirname "$0")" && pwd)
cases=$here/../it/cases
kustomize=${KUSTOMIZE:-${XDG_CACHE_HOME:-$HOME/.cache}/flux-kustomize/$version/kustomize}
if [ ! -x "$kustomize" ]; then
  GOBIN=$(dirname "$kustomize") go install "sigs.k8s.io/kustomize/kustomize/v5@$version"
fi

scratch=$(realpath "$(mktemp -d)")
trap 'rm -rf "$scratch"' EXIT

record() {
  local case=$1 root=$scratch/tree flags=() status=0
  rm -rf "$root"
  cp -a "$cases/$case/input" "$root"
  read -r target <"$cases/$case/target"
  [ ! -f "$cases/$case/flags" ] || read -r -a flags <"$cases/$case/flags"
  rm -f "$cases/$case/expected.yaml" "$cases/$case/expected-error.txt"
  timeout 60 "$kustomize" build --load-restrictor LoadRestrictionsNone --reorder none "${flags[@]}" \
    "$root/$target" >"$scratch/stdout" 2>"$scratch/stderr" || status=$?
  if [ "$status" = 0 ]; then
    cp "$scratch/stdout" "$cases/$case/expected.yaml"
    return
  fi
  # Of a panic only the value counts, not the stack; addresses differ from run to run.
  if grep -aq '^panic: ' "$scratch/stderr"; then
    grep -am1 '^panic: ' "$scratch/stderr" >"$scratch/message"
  else
    grep -av -e '^# Warning: ' -e '^Flag --reorder has been deprecated' -e '^20[0-9/: ]* Warning: ' "$scratch/stderr" >"$scratch/message"
  fi
  sed -E -e "s#$root#<root>#g" -e 's/0x[0-9a-f]{8,16}/0x<address>/g' "$scratch/message" >"$cases/$case/expected-error.txt"
}

if [ $# -gt 0 ]; then names=("$@"); else mapfile -t names < <(ls "$cases"); fi
for name in "${names[@]}"; do record "$name"; done
echo "recorded ${#names[@]} cases"
