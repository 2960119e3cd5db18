#!/usr/bin/env bash
# Renders all the audits that lie here into one page and one table.
set -euo pipefail
cd "$(dirname "$0")"
runs=()
for name in llama.cpp transformers h100-transformers samebytes samebytes-served h100-samebytes; do
    if [ -f "$name/summary.json" ]; then runs+=("$name"); fi
done
cd ../..
for out in report.html comparison.md; do
    "${PYTHON:-python}" -m evals.cli report "${runs[@]/#/evals/examples/}" \
        --out "evals/examples/$out" --title "What kind of determinism is it? Audits side by side"
done
