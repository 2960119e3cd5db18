"""Small programs in many languages, made from parts, so that any statement can be changed."""

from __future__ import annotations

import random
from dataclasses import dataclass


@dataclass(frozen=True)
class Grammar:
    """How a language writes a file of sections of statements; `{n}` is a number, `{w}` a comment's text."""

    path: str
    head: tuple[str, ...]
    opening: tuple[str, ...]
    statement: str
    closing: tuple[str, ...]
    foot: tuple[str, ...] = ()
    comment: str = ""  # a comment line in a section, with `{w}`
    marker: str = ""  # an elision marker line in a section


GRAMMARS = {
    "python": Grammar(
        "pkg/mod.py",
        ("import os", ""),
        ("def f{n}(x):",),
        "    x = x + {n}",
        ("    return x", "", ""),
        ("print(f1(1))",),
        "    # {w}",
        "    # ... existing code ...",
    ),
    "javascript": Grammar(
        "src/a.js",
        ('"use strict";', ""),
        ("export function f{n}(x) {{",),
        "  x += {n};",
        ("  return x;", "}", ""),
        (),
        "  // {w}",
        "  // ... existing code ...",
    ),
    "typescript": Grammar(
        "src/a.ts",
        ('import {{ y }} from "./y";', ""),
        ("function f{n}(x: number): number {{",),
        "  x += {n};",
        ("  return x;", "}", ""),
        ("export {{ f1 }};",),
        "  /* {w} */",
        "  // ...",
    ),
    "tsx": Grammar(
        "src/App.tsx",
        ('import React from "react";', ""),
        ("export const C{n} = () => (", "  <ul>"),
        "    <li>{n}</li>",
        ("  </ul>", ");", ""),
        (),
        "    {{/* {w} */}}",
        "    {/* ... */}",
    ),
    "go": Grammar(
        "main.go",
        ("package main", ""),
        ("func f{n}(x int) int {{",),
        "\tx += {n}",
        ("\treturn x", "}", ""),
        (),
        "\t// {w}",
        "\t// ... existing code ...",
    ),
    "rust": Grammar(
        "src/lib.rs",
        ("use std::fmt;", ""),
        ("fn f{n}(mut x: u64) -> u64 {{",),
        "    x += {n};",
        ("    x", "}", ""),
        (),
        "    // {w}",
        "    // ...",
    ),
    "java": Grammar(
        "src/A.java",
        ("package a;", "", "class A {{"),
        ("    int f{n}(int x) {{",),
        "        x += {n};",
        ("        return x;", "    }", ""),
        ("}",),
        "        // {w}",
        "        // ... existing code ...",
    ),
    "c": Grammar(
        "a.c",
        ("#include <stdio.h>", ""),
        ("int f{n}(int x) {{",),
        "  x += {n};",
        ("  return x;", "}", ""),
        (),
        "  /* {w} */",
        "  /* ... existing code ... */",
    ),
    "ruby": Grammar(
        "a.rb",
        ('require "set"', ""),
        ("def f{n}(x)",),
        "  x += {n}",
        ("  x", "end", ""),
        (),
        "  # {w}",
        "  # ...",
    ),
    "bash": Grammar(
        "a.sh",
        ("#!/bin/bash", "set -e", ""),
        ("f{n}() {{",),
        '  echo "{n}"',
        ("  return 0", "}", ""),
        (),
        "  # {w}",
        "  # ... existing code ...",
    ),
    "yaml": Grammar(
        "a.yaml",
        ("version: 1", ""),
        ("section{n}:",),
        "  key{n}: {n}",
        ("  last: true", ""),
        (),
        "  # {w}",
        "  # ...",
    ),
    "toml": Grammar(
        "a.toml",
        ('title = "x"', ""),
        ("[section{n}]",),
        "key{n} = {n}",
        ("last = true", ""),
        (),
        "# {w}",
        "# ...",
    ),
    "css": Grammar(
        "a.css",
        ("html {{", "  margin: 0;", "}", ""),
        (".c{n} {{",),
        "  width: {n}px;",
        ("  color: red;", "}", ""),
        (),
        "  /* {w} */",
        "  /* ... existing styles ... */",
    ),
    "html": Grammar(
        "a.html",
        ("<!DOCTYPE html>", "<body>"),
        ('<div id="d{n}">',),
        "  <p>{n}</p>",
        ("  <hr>", "</div>"),
        ("</body>",),
        "  <!-- {w} -->",
        "  <!-- ... existing content ... -->",
    ),
    "sql": Grammar(
        "a.sql",
        ("-- schema", ""),
        ("CREATE TABLE t{n} (",),
        "  c{n} INT,",
        ("  id INT", ");", ""),
        (),
        "  -- {w}",
        "  -- ... existing columns ...",
    ),
    "markdown": Grammar(
        "a.md",
        ("# Title", ""),
        ("## Part {n}", ""),
        "Sentence number {n} of the text.",
        ("", "```sh", "run it", "```", ""),
        (),
        "<!-- {w} -->",
        "<!-- ... -->",
    ),
}

# What a careless implementation trips over.
WORDS = (
    "$& $1 $`",
    r"\1 \n \\ %s {0}",
    "tab\there",
    "naïve",
    "form\ffeed",
    "trailing  ",
    "=======",
    "price: 5 $$",
)


@dataclass(frozen=True)
class Program:
    """`editable` are the 0-based lines of statements; `sections` are half-open line ranges."""

    grammar: Grammar
    lines: list[str]
    editable: list[int]
    sections: list[tuple[int, int]]


class Numbers:
    """Numbers that were never used before, so that statements are unique."""

    def __init__(self, rng: random.Random) -> None:
        self.rng = rng
        self.last = 100

    def next(self) -> int:
        self.last += self.rng.randint(1, 9)
        return self.last


def program(rng: random.Random, grammar: Grammar, numbers: Numbers, sections: int = 4) -> Program:
    """A program with `sections` sections of three to six unique statements, comments and repeated lines."""
    lines = [line.replace("{{", "{").replace("}}", "}") for line in grammar.head]
    editable: list[int] = []
    bounds: list[tuple[int, int]] = []
    for _ in range(sections):
        start, number = len(lines), numbers.next()
        lines += [line.format(n=number) for line in grammar.opening]
        for _ in range(rng.randint(3, 6)):
            if grammar.comment and rng.random() < 0.3:
                lines.append(grammar.comment.format(w=rng.choice(WORDS)))
            editable.append(len(lines))
            lines.append(grammar.statement.format(n=numbers.next()))
        lines += list(grammar.closing)
        bounds.append((start, len(lines)))
    lines += [line.replace("{{", "{").replace("}}", "}") for line in grammar.foot]
    while lines and not lines[-1]:
        lines.pop()
    return Program(grammar, lines, editable, bounds)
