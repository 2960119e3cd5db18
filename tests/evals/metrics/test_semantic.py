from evals.metrics import semantically_equal

PYTHON = b"def f(x):\n    return x + 1\n"


def test_comments_and_blank_lines_do_not_count():
    assert semantically_equal(b"# why\ndef f(x):\n\n    return x  +  1  # sum\n", PYTHON, "python") is True


def test_tokens_do():
    assert semantically_equal(b"def f(x):\n    return x + 2\n", PYTHON, "python") is False
    assert semantically_equal(b"def f(x):\n    return 'x + 1'\n", PYTHON, "python") is False


def test_a_string_keeps_its_blanks():
    assert semantically_equal(b"x = 'a  b'\n", b"x = 'a b'\n", "python") is False


def test_undecided_without_a_grammar_or_text():
    assert semantically_equal(b"a", b"b", None) is None
    assert semantically_equal(b"\xff", b"\xfe", "python") is None
    assert semantically_equal(b"\xff", b"\xff", None) is True
