#!/usr/bin/env bash
# Makes seeds of the recorded cases: corpus/kustomization holds their trees, corpus/patches their files in pairs.
set -euo pipefail
cd "$(dirname "$0")"
mkdir -p corpus/kustomization corpus/patches
for case in ../tests/it/cases/*/; do
  name=$(basename "$case")
  target=$(cat "$case/target")
  [ "$target" = . ] || target="/$target"
  {
    # the tree has to be built at its root, so a target further down becomes a base
    [ "$target" = . ] || printf 'resources: [.%s]\n' "$target"
    (cd "$case/input" && find . -type f -size -16k | LC_ALL=C sort) | while read -r file; do
      printf '@@ %s\n' "${file#./}"
      cat "$case/input/$file"
      echo
    done
  } >"corpus/kustomization/$name"
  case $name in
    *patch* | merge-key-*)
      find "$case/input" -type f -name '*.yaml' ! -name kustomization.yaml | LC_ALL=C sort | head -n 2 |
        { read -r one; read -r two || two=$one; cat "$one"; echo; echo @@; cat "$two"; } >"corpus/patches/$name"
      ;;
  esac
done
