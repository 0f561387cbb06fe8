#!/usr/bin/env bash
# Records what the real helm prints for the cases of this crate: record.sh [CASE...]; see ORIGIN.md.
set -euo pipefail
recorder=$(cd "$(dirname "$0")" && pwd)
cases="$recorder/../it/cases"
helm=$("$recorder/../../../../e2e/helm/build")

# Nothing of the user's own configuration.
home=$(mktemp -d)
trap 'rm -rf "$home"' EXIT
export HOME="$home" TZ=UTC KUBECONFIG=/dev/null HELM_NAMESPACE=default

record() {
  local run=$1 case name arguments=()
  case=$(dirname "$run")
  name=$(basename "$run" .arguments)
  mapfile -t arguments <"$run"
  rm -f "$case/$name.yaml.expected" "$case/$name.error.expected"
  if (cd "$case" && "$helm" template release chart "${arguments[@]}" >"$home/out" 2>"$home/err"); then
    mv "$home/out" "$case/$name.yaml.expected"
  else
    # log lines come before the error
    sed -n '/^Error: /,$p' "$home/err" | sed "s|$(realpath "$case")|<case>|g" >"$case/$name.error.expected"
  fi
}

if [ $# -eq 0 ]; then
  set -- $(cd "$cases" && ls)
fi
for case in "$@"; do
  for run in "$cases/$case"/*.arguments; do
    record "$run"
  done
done
