#!/usr/bin/env bash
set -euo pipefail
trap 'rm -f "$tmp"' EXIT
tmp="$(mktemp)"
pg_dump --format=custom "$DATABASE_URL" > "$tmp"
aws s3 cp "$tmp" "s3://${BUCKET}/$(date +%F).dump"  # nightly
