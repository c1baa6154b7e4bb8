#!/bin/sh
# dlt, then dbt, as a user has them run one after the other; `run.sh parse` lets dbt parse its project alone. Wants
# BIN (the programs of their environment), SOURCE and WAREHOUSE (URLs), STATE (a folder for dlt), WORK (one for dbt).
set -eu
cd "$(dirname "$0")"
[ "${1-run}" = parse ] || "$BIN/python" load.py
exec "$BIN/dbt" "${1-run}" --project-dir . --profiles-dir . --target-path "$WORK/target" --log-path "$WORK/logs"
