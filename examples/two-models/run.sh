#!/usr/bin/env bash
# The two-model loop, with the reasoning model's replies recorded in reply-1.md and reply-2.md: the first misremembers
# a file, its edit of that file is refused and goes back, the second is right. Then both files are written at once,
# and the ledger is replayed. With a key, --backend openai:MODEL asks a real one.
set -euo pipefail
here="$(cd "$(dirname "$0")" && pwd)"
work="$(mktemp -d)"
trap 'rm -rf "$work"' EXIT
cp "$here"/queue-project/*.py "$work/"
cd "$work"

samebytes edit "raise IndexError on an empty ring, with a test" --files ring.py --files test_ring.py \
    --format search_replace --backend "reply-file:$here/reply-1.md,$here/reply-2.md"

echo
echo "== replay: the recorded edits give the same bytes, here or on any machine"
samebytes replay .samebytes/ledger.sqlite
echo "== and the tests that were asked for pass"
python -m pytest -q -p no:cacheprovider test_ring.py
