"""Many merges through one model at once: continuous batching in the spirit of nano-vLLM.

    scheduler             any thread hands in merges and waits; a thread of its own runs the steps
    step_loop             one step: drop what is cancelled, admit what fits, share the pass out, run it
    job, wait_queue       a merge on its way, and who is admitted next (fair queueing)
    cache_memory          a byte budget for key and value caches
    prefix_cache          blocks of keys and values of earlier prompts, by the hash of their tokens
    fairness              how the tokens of a pass are divided, and how long drafts may be under load
    batch                 one ragged pass of the model, and the logits that the merges ask for
    engine                a loaded model; runs merges itself, or hands them to a scheduler
    options               light types, which import no model

No decision taken here can change a bit of a result: a row of the model is the same in every pass.
"""
