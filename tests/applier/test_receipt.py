"""Digests: every field counts, no two requests share one, and the result digest is the file's own."""

from __future__ import annotations

import hashlib
from dataclasses import replace

import pytest

from applier.receipt import fingerprint, make, request_digest, sha256_later
from applier.types import EditFormat, EditOptions, EditRequest

BASE = EditRequest(original=b"a\n", edit=b"b\n", path="x.py")
VARIANTS = [
    replace(BASE, original=b"a"),
    replace(BASE, edit=b"b"),
    replace(BASE, path="y.py"),
    replace(BASE, path="x.p", edit=b"yb\n"),
    replace(BASE, language="python"),
    replace(BASE, language=""),
    replace(BASE, language="n"),
    replace(BASE, format=EditFormat.LAZY),
    replace(BASE, instruction="i"),
    replace(BASE, expected_sha256="0"),
    replace(BASE, options=EditOptions(allow_model=False)),
    replace(BASE, options=EditOptions(constrain_to_known_lines=False)),
    replace(BASE, options=EditOptions(syntax_gate=False)),
    replace(BASE, options=EditOptions(min_confidence=0.5)),
    replace(BASE, options=EditOptions(min_confidence=0.0)),
    replace(BASE, options=EditOptions(accept="0" * 64)),
]


def test_every_field_is_in_the_request_digest() -> None:
    digests = [request_digest(request) for request in [BASE, *VARIANTS]]
    assert len(set(digests)) == len(digests)


def test_the_digest_is_a_function_of_the_request() -> None:
    assert request_digest(BASE) == request_digest(replace(BASE))
    assert request_digest(BASE, hashlib.sha256(b"a\n").hexdigest()) == request_digest(BASE)
    same = replace(BASE, options=EditOptions(min_confidence=1))
    assert request_digest(same) == request_digest(replace(BASE, options=EditOptions(min_confidence=1.0)))
    # Written down: another build must print the same.
    assert request_digest(BASE) == "4397234bdd777f13209056f84e67ece6471aad2caa64e22ebc342004e0912c1b"


def test_the_result_digest_is_that_of_the_file() -> None:
    receipt = make(BASE, b"new\n", "f")
    assert receipt.result_sha256 == hashlib.sha256(b"new\n").hexdigest()
    assert receipt.fingerprint == "f"


def test_fingerprint_names_what_was_computed() -> None:
    prints = [fingerprint(*parts) for parts in [("a", "b", 1), ("a", "b", 2), ("ab", "", 1), ("", "ab", 1)]]
    assert len(set(prints)) == 4


@pytest.mark.parametrize("size", [0, 10, 3 << 20])
def test_hashing_on_another_thread(size: int) -> None:
    assert sha256_later(b"x" * size).result() == hashlib.sha256(b"x" * size).hexdigest()
