"""Code that a grammar takes for errors parses once it is rewritten; broken code still does not."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from applier.syntax.dialect import rewritten
from applier.syntax.parser import error_spans

C_MACROS = """\
API_DECLARE(int) start(void *unused UNUSED)
{
    LOG_INFO("starting %s (now)")
    LIST_FOREACH(item, &queue->items, entries) {
        use(item);
    }
    return 0;
}

static API_DECLARE(status_t)
    stop(void) NOEXCEPT;

EXPORT int WINAPI reset(int);

DECLARE_LOG_OBJECT()
"""
CPP_MACROS = """\
class API Sender : public Link {
  public:
    API Sender();
    API ~Sender();
    API int count() const;
};
"""
BRANCHES = """\
int f(int a) {
#ifdef NEW
  if (g(a, 1) == 2)
#else
  if (g(a) == 2)
#endif
    return 1;
  return 0;
}
"""
CSHARP = """\
class A {
    void F(int a) {
        if (a == 1) {
            G();
        }
#if TRACE
        else if (a == 2)
            H();
#endif
    }
}
"""
TEMPLATE = """\
<form action="{% url "contact" %}">
{% if a %}<b class="{% if b %}x{% endif %}">a</b>{% endif %}
</form>
"""
TRY = "fn f() -> R {\n    let x = try!(g());\n    Ok(x)\n}\n"


def errors(text: str, language: str) -> list[tuple[int, int]]:
    found = [error_spans(each.text, language) or [] for each in rewritten(text.encode(), language)]
    assert found
    return [span for spans in found for span in spans]


@pytest.mark.parametrize(
    ("text", "language"),
    [
        (C_MACROS, "c"),
        (CPP_MACROS, "cpp"),
        (BRANCHES, "c"),
        (BRANCHES, "cpp"),
        (CSHARP, "csharp"),
        (TEMPLATE, "html"),
        (TRY, "rust"),
    ],
)
def test_what_no_grammar_knows(text: str, language: str) -> None:
    assert error_spans(text, language)
    assert errors(text, language) == []


@pytest.mark.parametrize(
    ("text", "language", "gone"),
    [
        (C_MACROS, "c", "    }\n"),
        (CPP_MACROS, "cpp", "};\n"),
        (BRANCHES, "c", "}\n"),
        (CSHARP, "csharp", "        }\n"),
        (TRY, "rust", "}\n"),
    ],
)
def test_what_is_broken(text: str, language: str, gone: str) -> None:
    assert text.count(gone) == 1 or text.endswith(gone)
    at = text.rindex(gone)
    assert errors(text[:at] + text[at + len(gone) :], language)


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("int f(void) {\n  return 1;\n}\n", "c"),
        ("x = 1\n", "python"),
        ("#if A\nx = 1\n#endif\n", "python"),
        ("#import <A.h>\nEXPORT int f(void);\n", "c"),
        ("@interface A : B {}\n", "c"),
        ("x\n", None),
    ],
)
def test_nothing_to_rewrite(text: str, language: str | None) -> None:
    assert rewritten(text.encode(), language) == ()


def test_comments_strings_and_directives_are_left_alone() -> None:
    text = (
        '#define API EXPORT int f(\\\n  LOG(1)\n// API int f()\n/*\nLOG(1)\n*/\ns = "API int f()";\nLOG(1)\n'
    )
    (found,) = rewritten(text.encode(), "c")
    assert found.text.decode() == text.removesuffix("LOG(1)\n") + ";\n"


PIECES = st.sampled_from(
    ["API ", "LOG(", "(", ")", "{", "}", '"', "'", "/*", "*/", "//", "\\", "\n", "a ", ";", "#if A"]
)


@given(
    st.lists(PIECES | st.sampled_from(["{%", "%}", "{{", "}}", "<%", "try!", "FOREACH(x) {"])).map("".join)
)
def test_lines_stay_where_they_are(text: str) -> None:
    for language in ("c", "cpp", "csharp", "html", "rust", "swift"):
        for each in rewritten(text.encode(), language):
            assert each.text.count(b"\n") == text.count("\n") == len(each.shown) - 1
