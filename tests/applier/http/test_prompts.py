"""Every shape in which apply models are asked, read without a byte lost."""

from __future__ import annotations

from html import escape

import pytest
from hypothesis import given
from hypothesis import strategies as st

from applier.http.prompts import PromptError, Reply, read_prompt

KORTIX = (
    "Merge all changes from the <update> snippet into the <code> below.\n"
    "- Output only the updated code, enclosed within <updated-code> and </updated-code> tags.\n\n"
    "<code>{code}</code>\n\n<update>{edit}</update>\n\nProvide the complete updated code."
)
CODE = st.text(st.characters(exclude_categories=["Cs"]), max_size=60).filter(
    lambda text: "<code>" not in text
)


def user(text):
    return [{"role": "user", "content": text}]


def xml(text):
    return escape(text).replace("&#x27;", "&apos;")


@given(
    CODE, CODE, CODE, st.sampled_from(["instruction", "instructions"]), st.sampled_from(["", "\n", "\n\n"])
)
def test_morphs_message_is_read_as_it_was_written(code, edit, said, tag, gap):
    text = f"<{tag}>{said}</{tag}>{gap}<code>{code}</code>{gap}<update>{edit}</update>"
    prompt = read_prompt(user(text))
    assert (prompt.original, prompt.edit, prompt.instruction) == (code, edit, said)
    assert prompt.dress(code) == code


@pytest.mark.parametrize("head", ["", "\n", "Apply this.\n"])
def test_an_instruction_may_be_missing(head):
    prompt = read_prompt(user(f"{head}<code>a</code><update>b</update>\n"))
    assert (prompt.original, prompt.edit, prompt.instruction) == ("a", "b", "")


def test_relaces_message_with_lines_around_and_a_system_prompt():
    messages = [
        {"role": "system", "content": "Merge <code> and <update>. Output only the merged code."},
        *user("\n<instruction>I</instruction>\n<code>a\n</code>\n<update>b</update>\n"),
    ]
    prompt = read_prompt(messages)
    assert (prompt.original, prompt.edit, prompt.instruction) == ("a\n", "b", "I")


def test_the_parts_of_a_message_are_joined():
    parts = [{"type": "text", "text": "<code>a</code>"}, {"type": "text", "text": "\n<update>b</update>"}]
    assert read_prompt([{"role": "user", "content": parts}]).original == "a"


def test_the_last_message_with_an_edit_counts():
    messages = [*user("<code>a</code><update>b</update>"), {"role": "assistant", "content": "x"}]
    messages += [*user("<code>c</code><update>d</update>"), *user("thanks")]
    assert read_prompt(messages).original == "c"


@pytest.mark.parametrize(
    ("code", "edit"),
    [
        ("<p>use <code>x</code> here</p>\n", "<p>use <code>y</code></p>"),
        ("an <update> of it</update>\n", "# ...\n</update>\n<code>\n"),
        ("say </code> or not\n", "</code>\nand <update> again"),
    ],
)
def test_tags_in_the_file_and_in_the_edit_are_text(code, edit):
    prompt = read_prompt(user(f"<instruction>i</instruction>\n<code>{code}</code>\n<update>{edit}</update>"))
    assert (prompt.original, prompt.edit) == (code, edit)


def test_a_file_that_cannot_be_told_from_the_edit_is_not_guessed():
    inner = "x</code>\n<update>y"
    with pytest.raises(PromptError, match=r"2 times.*/v1/code/apply"):
        read_prompt(user(f"<code>{inner}</code>\n<update>z</update>"))


@given(CODE, CODE)
def test_kortix_with_escapes(code, edit):
    prompt = read_prompt(user(KORTIX.format(code=xml(code), edit=xml(edit))))
    assert (prompt.original, prompt.edit) == (code, edit)
    assert prompt.dress(code) == f"<updated-code>{xml(code)}</updated-code>"


def test_kortix_without_escapes_keeps_entities_of_the_file():
    code, edit = "<p>a &lt; b & c</p>\n", "<p>a &gt; b</p>\n"
    prompt = read_prompt(user(KORTIX.format(code=code, edit=edit)))
    assert (prompt.original, prompt.edit, prompt.reply) == (code, edit, Reply.UPDATED_CODE)
    assert prompt.dress(code) == f"<updated-code>{code}</updated-code>"


def test_kortix_with_an_instruction():
    text = KORTIX.format(code="a = 1", edit="a = 2").replace(
        "\n\n<code>", "\n\n<instruction>I</instruction>\n<code>"
    )
    assert read_prompt(user(text)).instruction == "I"


def test_osmosis_has_a_newline_inside_every_tag():
    system = {
        "role": "system",
        "content": "Merge the code wrapped in <code> tags with the one in <edit> tags.",
    }
    text = "<code>\na\n\n</code>\n\n<edit>\nb\n</edit>"
    prompt = read_prompt([system, *user(text)])
    assert (prompt.original, prompt.edit) == ("a\n", "b")
    assert prompt.dress("c\n") == "<code>\nc\n\n</code>"


@pytest.mark.parametrize(
    ("messages", "says"),
    [
        (None, "no list of messages"),
        ([], "no list of messages"),
        ("text", "no list of messages"),
        ([1, {"role": "user"}, {"content": None}, {"content": [1, {"text": 2}]}], "No message holds a file"),
        (user("hello"), "No message holds a file"),
        (user("<code>a</code>\n<update>b"), "is not closed"),
        (user("see <code>a</code>\n<update>b</update>"), "No <code> stands at the start of a line"),
    ],
)
def test_messages_without_an_edit_say_what_to_write(messages, says):
    with pytest.raises(PromptError, match=says):
        read_prompt(messages)
