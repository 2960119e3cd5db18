#!/usr/bin/env bash
# The command line: show a merge, write it, check its receipt, and see what a refusal looks like.
set -euo pipefail
here="$(cd "$(dirname "$0")/.." && pwd)"
work="$(mktemp -d)"
trap 'rm -rf "$work"' EXIT
cp "$here/job_queue.py" "$work/"
cd "$work"

echo "== show the diff; the file stays as it is"
samebytes apply job_queue.py --edit "$here/job_queue.edit"

echo "== write it, and keep the answer"
samebytes apply job_queue.py --edit "$here/job_queue.edit" --write --json > answer.json

echo "== the receipt's result digest is the SHA-256 of the written file"
python -c "import hashlib, json, pathlib
print(json.load(open('answer.json'))['receipt']['result_sha256'])
print(hashlib.sha256(pathlib.Path('job_queue.py').read_bytes()).hexdigest())"

echo "== the same edit again: nothing to do"
samebytes apply job_queue.py --edit "$here/job_queue.edit" --json |
    python -c "import json, sys; print(json.load(sys.stdin)['status'])"

echo "== a search text that the file does not have: refused with exit code 3, and the file is untouched"
printf '<<<<<<< SEARCH\n    return self.shards[key]\n=======\n    return None\n>>>>>>> REPLACE\n' > bad.edit
samebytes apply job_queue.py --edit bad.edit --write || echo "exit code $?"
