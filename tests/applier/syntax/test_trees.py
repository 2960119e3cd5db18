from applier.syntax.parser import errors_of, parse
from applier.syntax.source_syntax import SourceSyntax, Trees
from applier.text.source_text import SourceText


def parsed(data: bytes):
    tree = parse(data, "python")
    assert tree is not None
    return tree, errors_of(tree)


def test_the_tree_that_was_asked_for_last_stays():
    trees = Trees(most_bytes=40)
    first, second, third = (parsed(data) for data in (b"a = 1\n", b"b = 2\n", b"c = 3\n"))
    trees.keep("python", b"a" * 10, first)
    trees.keep("python", b"b" * 10, second)
    trees.keep("python", b"c" * 10, third)
    assert trees.find("python", b"a" * 10) is first
    trees.keep("python", b"d" * 10, third)
    trees.keep("python", b"e" * 10, third)
    assert trees.find("python", b"a" * 10) is first
    assert trees.find("python", b"b" * 10) is None
    assert trees.find("go", b"a" * 10) is None


def test_a_text_that_would_drive_out_the_others_is_not_kept():
    trees = Trees(most_bytes=40)
    trees.keep("python", b"a" * 11, parsed(b"a\n"))
    assert trees.find("python", b"a" * 11) is None


def test_a_file_that_comes_again_is_not_parsed_again(monkeypatch):
    import applier.syntax.source_syntax as module

    monkeypatch.setattr(module, "_trees", Trees())
    source = SourceText.decode(b"def f(:\n    pass\n")
    before = SourceSyntax(source, "python").errors
    monkeypatch.setattr(module, "parse", None)
    again = SourceSyntax(SourceText.decode(b"def f(:\n    pass\n"), "python")
    assert again.errors == before != ()
