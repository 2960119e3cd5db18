#!/usr/bin/env bash
# An audit of two servers that answer alike while they are alone: one is deterministic, the other depends on its batch.
# Both are small servers with a known fault; the same command audits real ones:
#   samebytes eval audit --backend openai --url http://127.0.0.1:8080/v1 --model NAME --out audits/theirs
#   samebytes eval audit --backend samebytes --out audits/samebytes
set -euo pipefail
out=${1:-audits}
for fault in none batch_dependent; do
    echo "== $fault"
    samebytes eval audit --backend "loopback:$fault" --repeats 4 --concurrency 8 --out "$out/$fault"
done
samebytes eval report "$out/none" "$out/batch_dependent" --out "$out/comparison.md"
echo "== side by side"
cat "$out/comparison.md"
