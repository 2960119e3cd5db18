#!/usr/bin/env bash
# An apply model trained on the history of your own repository:
#   examples/own-repository/run.sh REPOSITORY BASE [WORK] [SETTINGS]
# REPOSITORY is a git checkout, BASE a .gguf file or a Hugging Face folder of a Llama or Qwen model. Everything is kept
# in WORK (default: a folder samebytes-training here); a run that was stopped goes on when it is started again.
set -euo pipefail
here="$(cd "$(dirname "$0")" && pwd)"
repository=${1:?REPOSITORY is missing} base=${2:?BASE is missing}
work=${3:-samebytes-training} settings=${4:-$here/settings.toml}
mkdir -p "$work"

samebytes train all --repo "$repository" --base "$base" --work "$work" --out "$work/model" --config "$settings"

echo "== what the history taught: edits mined, and one of them as a language model would write it"
samebytes train synth --root "$(dirname "$(cd "$repository" && pwd)")" --work "$work" --count 1

echo "== the shipped example, applied by the new model; one that is not calibrated yet may well refuse"
samebytes apply "$here/../job_queue.py" --edit "$here/../job_queue.edit" --model "$work/model" || echo "exit code $?"
echo "== its fingerprint is not that of the default model"
samebytes fingerprint --model "$work/model"
