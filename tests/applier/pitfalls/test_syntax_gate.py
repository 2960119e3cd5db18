"""An edit that breaks a file is refused; a file that was broken before is not."""

from __future__ import annotations

import pytest

from applier.types import RefusalReason, Status
from tests.applier.exact_tier import run
from tests.applier.sources import GRAMMARS


def block(old: str, new: str) -> bytes:
    return f"<<<<<<< SEARCH\n{old}\n=======\n{new}\n>>>>>>> REPLACE\n".encode()


@pytest.mark.parametrize(
    ("path", "source", "old", "new"),
    [
        ("a.py", "def f():\n    return 1\n", "    return 1", "    return (1"),
        ("a.js", "function f() {\n  g();\n}\n", "  g();", "  g(;"),
        ("a.go", "package a\n\nfunc f() {\n\tg()\n}\n", "\tg()", "\tg(}"),
        ("a.rs", "fn f() {\n    g();\n}\n", "    g();", "    g(;"),
        ("a.java", "class A {\n  void f() {\n    g();\n  }\n}\n", "    g();", "    g(;"),
        ("a.json", '{\n  "a": 1\n}\n', '  "a": 1', '  "a": 1,,'),
        ("a.c", "int f(void) {\n  return 1;\n}\n", "  return 1;", "  return 1;\n}"),
    ],
)
def test_a_new_error_is_refused(path: str, source: str, old: str, new: str) -> None:
    outcome = run(source.encode(), block(old, new), path=path)
    assert outcome.reason is RefusalReason.SYNTAX_ERROR
    assert outcome.content == source.encode()
    assert outcome.refusal is not None
    assert "line" in outcome.refusal.message
    assert run(source.encode(), block(old, new), path=path, syntax_gate=False).status is Status.APPLIED


BROKEN = b"def broken(:\n    pass\n\n\ndef f():\n    return 1\n"


def test_a_file_that_was_broken_can_be_edited() -> None:
    outcome = run(BROKEN, block("    return 1", "    return 2"))
    assert outcome.status is Status.APPLIED


def test_a_file_that_was_broken_can_be_mended() -> None:
    assert run(BROKEN, block("def broken(:", "def broken():")).status is Status.APPLIED


def test_a_file_that_was_broken_must_not_get_worse() -> None:
    assert run(BROKEN, block("    return 1", "    return ((1")).reason is RefusalReason.SYNTAX_ERROR


def test_a_header_may_be_cpp() -> None:
    source = b"template <typename T>\nclass A {\n public:\n  T f();\n};\n"
    assert (
        run(source, block("  T f();", "  template <typename U> T f(U&& u);"), path="a.h").status
        is Status.APPLIED
    )
    assert run(source, block("  T f();", "  T f(;"), path="a.h").reason is RefusalReason.SYNTAX_ERROR


def test_a_file_that_its_grammar_does_not_fit_is_not_gated() -> None:
    odd = b"FOO_BEGIN(\n  %%% a\n)) end\n" * 30
    source = odd + b"int f() {\n  return 1;\n}\n"
    assert run(source, block("  return 1;", "  %%% b"), path="a.c").status is Status.APPLIED


MACROS = b"API_DECLARE(int) a(void)\n{\n    LOG(1)\n    return b();\n}\n\nDECLARE_LOG()\n"


@pytest.mark.parametrize(
    ("old", "new"),
    [("    return b();", "    LOG(2)\n    return b();"), ("DECLARE_LOG()", "DECLARE_ALL(1)\nDECLARE_LOG()")],
)
def test_a_macro_is_no_error(old: str, new: str) -> None:
    assert run(MACROS, block(old, new), path="a.c").status is Status.APPLIED


def test_a_file_full_of_macros_is_gated() -> None:
    source = MACROS * 8 + b"int last(void)\n{\n    return c();\n}\n"
    assert run(source, block("    return c();", "    return d();"), path="a.c").status is Status.APPLIED
    outcome = run(source, block("    return c();", "    return c(;"), path="a.c")
    assert outcome.reason is RefusalReason.SYNTAX_ERROR
    assert outcome.refusal is not None
    assert outcome.refusal.candidates[0].start == 8 * MACROS.count(b"\n") + 3


BRANCHES = b"int f(int a) {\n  if (g(a))\n    return 1;\n  return 0;\n}\n"


def test_a_branch_may_end_within_a_statement() -> None:
    new = "#ifdef NEW\n  if (g(a, 1))\n#else\n  if (g(a))\n#endif"
    assert run(BRANCHES, block("  if (g(a))", new), path="a.c").status is Status.APPLIED


@pytest.mark.parametrize(
    "new",
    [
        "#ifdef NEW\n  if (g(a, 1)\n#else\n  if (g(a))\n#endif",
        "#ifdef NEW\n  if (g(a, 1))\n#else\n  if (g(a)\n#endif",
        "#ifdef NEW\n  if (g(a, 1))\n#elif OLD\n  if (g(a)\n#else\n  if (g(a))\n#endif",  # in neither
        "#ifdef NEW\n  if (g(a, 1))\n#else\n  if (g(a))",
    ],
)
def test_each_branch_is_gated(new: str) -> None:
    assert run(BRANCHES, block("  if (g(a))", new), path="a.c").reason is RefusalReason.SYNTAX_ERROR


def test_no_grammar_no_gate() -> None:
    assert run(b"a (\n", block("a (", "b ("), path="a.unknown").status is Status.APPLIED


def test_a_large_file_is_gated_by_the_blocks_around_the_edit() -> None:
    functions = "".join(f"def f{i}():\n    return {i}\n\n\n" for i in range(20_000))
    broken = run(functions.encode(), block("    return 777", "    return (777"))
    assert broken.reason is RefusalReason.SYNTAX_ERROR
    assert broken.refusal is not None
    assert 3000 < broken.refusal.candidates[0].start < 3200
    assert run(functions.encode(), block("    return 777", "    return (777)")).status is Status.APPLIED


def test_every_sample_language_has_a_path_that_is_known() -> None:
    assert {"python", "javascript", "go", "rust"} <= set(GRAMMARS)
