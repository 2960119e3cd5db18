"""Every known fault must be diagnosed as what it is, and as nothing else; a sound server as sound."""

import pytest

from evals.audit.conditions import plan
from evals.audit.evidence import gather
from evals.audit.execute import execute
from evals.audit.loopback import Fault, FaultyServer, serve
from evals.audit.questions import answers
from evals.audit.targets.openai_compatible import OpenAICompatible
from evals.audit.verdict import Finding, judge

FOUND, NOT_FOUND = Finding.FOUND, Finding.NOT_FOUND
REPEATS, CONCURRENCIES = 14, (2, 4)


def audit(fault: Fault):
    with serve(FaultyServer(fault)) as url:
        target = OpenAICompatible(url, "loopback")
        waves = plan(target.workload, REPEATS, CONCURRENCIES, target.samples)
        samples = [sample for wave in execute(target, waves) for sample in wave]
    assert not [sample for sample in samples if "error" in sample]
    evidence = gather(samples)
    return evidence, judge(evidence)


@pytest.mark.parametrize(
    ("fault", "sampler", "batch", "backend"),
    [
        (Fault.NONE, NOT_FOUND, NOT_FOUND, NOT_FOUND),
        (Fault.DROPS_SEEDS, FOUND, NOT_FOUND, NOT_FOUND),
        (Fault.FLIPS_TOKENS, NOT_FOUND, NOT_FOUND, FOUND),
        (Fault.ROTATES_FINGERPRINT, NOT_FOUND, NOT_FOUND, FOUND),
        (Fault.REORDERS, NOT_FOUND, NOT_FOUND, FOUND),
        (Fault.BATCH_DEPENDENT, NOT_FOUND, FOUND, NOT_FOUND),
        (Fault.CACHE_DEPENDENT, NOT_FOUND, FOUND, NOT_FOUND),
    ],
)
def test_each_fault_is_diagnosed_and_no_other(fault, sampler, batch, backend):
    evidence, verdicts = audit(fault)
    found = (verdicts.sampler.finding, verdicts.batch.finding, verdicts.backend.finding)
    assert found == (sampler, batch, backend), verdicts
    answered = {answer.question: answer.answer for answer in answers(evidence, verdicts)}
    assert (answered["Is the seed honoured when sampling?"] == "no") == (fault is Fault.DROPS_SEEDS)
    assert (answered["Does every reply answer its own request?"] == "no") == (fault is Fault.REORDERS)
    rotated = fault is Fault.ROTATES_FINGERPRINT
    assert (answered["Is a fingerprint given, and did it stay the same?"] == "no") == rotated
    cached = answered["Is the answer the same when its prefix is already cached?"]
    assert (cached == "no") == (fault is Fault.CACHE_DEPENDENT) or fault is Fault.FLIPS_TOKENS
    if rotated:
        assert evidence.fingerprints == ["fp_one", "fp_two"]
        # One change; replies of the wave that it falls into may show it more than once.
        assert 1 <= evidence.fingerprint_changes <= 3
    if fault is Fault.FLIPS_TOKENS:
        assert 0.05 < verdicts.noise_floor < 0.6
