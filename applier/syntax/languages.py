"""Languages: the names, file suffixes and comment syntax that the rest of the package asks about.

A language is known by its canonical name, e.g. ``"python"``. One without a grammar is still useful: its
comment syntax tells an elision marker from code. Unknown languages are ``None`` everywhere, and never an
error.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import PurePosixPath


@dataclass(frozen=True, slots=True)
class Language:
    """One language. `grammar` is (module, function) of its tree-sitter wheel."""

    name: str
    suffixes: tuple[str, ...]
    line_comments: tuple[str, ...] = ()
    block_comments: tuple[tuple[str, str], ...] = ()
    grammar: tuple[str, str] | None = None
    aliases: tuple[str, ...] = ()
    filenames: tuple[str, ...] = ()
    interpreters: tuple[str, ...] = ()


_C_BLOCK = (("/*", "*/"),)
_JSX_BLOCK = (("{/*", "*/}"), ("/*", "*/"))
_XML_BLOCK = (("<!--", "-->"),)


def _grammar(module: str, function: str = "language") -> tuple[str, str]:
    return (f"tree_sitter_{module}", function)


LANGUAGES: tuple[Language, ...] = (
    Language(
        "python",
        (".py", ".pyi", ".pyw", ".bzl"),
        ("#",),
        (),
        _grammar("python"),
        ("py", "python3", "starlark"),
        ("BUILD", "BUILD.bazel", "SConstruct", "wscript"),
        ("python", "python3", "python2"),
    ),
    Language(
        "javascript",
        (".js", ".jsx", ".mjs", ".cjs"),
        ("//",),
        _JSX_BLOCK,
        _grammar("javascript"),
        ("js", "jsx", "node"),
        (),
        ("node", "bun"),
    ),
    Language(
        "typescript",
        (".ts", ".mts", ".cts"),
        ("//",),
        _JSX_BLOCK,
        _grammar("typescript", "language_typescript"),
        ("ts",),
        (),
        ("deno", "ts-node"),
    ),
    Language("tsx", (".tsx",), ("//",), _JSX_BLOCK, _grammar("typescript", "language_tsx")),
    Language("java", (".java",), ("//",), _C_BLOCK, _grammar("java")),
    Language("kotlin", (".kt", ".kts"), ("//",), _C_BLOCK, _grammar("kotlin"), ("kt",)),
    Language("scala", (".scala", ".sc"), ("//",), _C_BLOCK, _grammar("scala")),
    Language("swift", (".swift",), ("//",), _C_BLOCK, _grammar("swift")),
    Language("rust", (".rs",), ("//",), _C_BLOCK, _grammar("rust"), ("rs",)),
    Language("go", (".go",), ("//",), _C_BLOCK, _grammar("go"), ("golang",)),
    Language("c", (".c", ".h"), ("//",), _C_BLOCK, _grammar("c")),
    Language(
        "cpp",
        (".cc", ".cpp", ".cxx", ".c++", ".hh", ".hpp", ".hxx", ".cu", ".cuh", ".ipp", ".inl"),
        ("//",),
        _C_BLOCK,
        _grammar("cpp"),
        ("c++", "cuda"),
    ),
    Language("csharp", (".cs", ".csx"), ("//",), _C_BLOCK, _grammar("c_sharp"), ("c#", "cs", "c_sharp")),
    Language(
        "php", (".php", ".phtml"), ("//", "#"), _C_BLOCK, _grammar("php", "language_php"), (), (), ("php",)
    ),
    Language(
        "ruby",
        (".rb", ".rake", ".gemspec"),
        ("#",),
        (),
        _grammar("ruby"),
        ("rb",),
        ("Gemfile", "Rakefile", "Vagrantfile", "Podfile", "Fastfile"),
        ("ruby",),
    ),
    Language(
        "bash",
        (".sh", ".bash", ".zsh", ".ksh"),
        ("#",),
        (),
        _grammar("bash"),
        ("sh", "shell", "zsh", "shellscript", "console"),
        (".bashrc", ".bash_profile", ".profile", ".zshrc", "PKGBUILD"),
        ("sh", "bash", "zsh", "dash", "ksh"),
    ),
    Language("lua", (".lua",), ("--",), (("--[[", "]]"),), _grammar("lua"), (), (), ("lua", "luajit")),
    Language("sql", (".sql", ".ddl", ".psql"), ("--",), _C_BLOCK, _grammar("sql")),
    Language("html", (".html", ".htm", ".xhtml"), (), _XML_BLOCK, _grammar("html")),
    Language("css", (".css",), (), _C_BLOCK, _grammar("css")),
    Language("json", (".json", ".webmanifest", ".geojson"), (), (), _grammar("json"), (), (".babelrc",)),
    Language("yaml", (".yaml", ".yml"), ("#",), (), _grammar("yaml"), ("yml",), (".clang-format",)),
    Language(
        "toml",
        (".toml",),
        ("#",),
        (),
        _grammar("toml"),
        (),
        ("Cargo.lock", "poetry.lock", "uv.lock", "Pipfile"),
    ),
    Language("markdown", (".md", ".markdown", ".mdx"), (), _XML_BLOCK, _grammar("markdown"), ("md",)),
    # No grammar: comment syntax only.
    Language(
        "jsonc",
        (".jsonc", ".json5", ".code-workspace"),
        ("//",),
        _C_BLOCK,
        None,
        ("json5",),
        ("tsconfig.json",),
    ),
    Language("vue", (".vue",), ("//",), _XML_BLOCK + _C_BLOCK),
    Language("svelte", (".svelte",), ("//",), _XML_BLOCK + _JSX_BLOCK),
    Language(
        "xml", (".xml", ".svg", ".xsl", ".xsd", ".csproj", ".props", ".targets", ".plist"), (), _XML_BLOCK
    ),
    Language("jinja", (".jinja", ".jinja2", ".j2"), (), (("{#", "#}"), *_XML_BLOCK)),
    Language("erb", (".erb",), (), (("<%#", "%>"), *_XML_BLOCK)),
    Language("handlebars", (".hbs", ".handlebars"), (), (("{{!--", "--}}"), ("{{!", "}}"), *_XML_BLOCK)),
    Language("scss", (".scss", ".less"), ("//",), _C_BLOCK, None, ("less",)),
    Language("sass", (".sass", ".styl"), ("//",), _C_BLOCK),
    Language("dart", (".dart",), ("//",), _C_BLOCK),
    Language("groovy", (".groovy", ".gradle"), ("//",), _C_BLOCK, None, ("gradle",), ("Jenkinsfile",)),
    Language("zig", (".zig",), ("//",)),
    Language("objc", (".m", ".mm"), ("//",), _C_BLOCK, None, ("objective-c",)),
    Language("protobuf", (".proto",), ("//",), _C_BLOCK, None, ("proto",)),
    Language("graphql", (".graphql", ".gql"), ("#",)),
    Language("terraform", (".tf", ".tfvars", ".hcl"), ("#", "//"), _C_BLOCK, None, ("hcl",)),
    Language("nix", (".nix",), ("#",), _C_BLOCK),
    Language("perl", (".pl", ".pm", ".t"), ("#",), (), None, (), (), ("perl",)),
    Language("r", (".r",), ("#",), (), None, (), (), ("Rscript",)),
    Language("julia", (".jl",), ("#",), (("#=", "=#"),)),
    Language("elixir", (".ex", ".exs"), ("#",)),
    Language("powershell", (".ps1", ".psm1", ".psd1"), ("#",), (("<#", "#>"),), None, ("pwsh",)),
    Language(
        "makefile", (".mk", ".make"), ("#",), (), None, ("make",), ("Makefile", "GNUmakefile", "makefile")
    ),
    Language("dockerfile", (".dockerfile",), ("#",), (), None, ("docker",), ("Dockerfile", "Containerfile")),
    Language("cmake", (".cmake",), ("#",), (), None, (), ("CMakeLists.txt",)),
    Language(
        "ini",
        (".ini", ".cfg", ".conf", ".properties"),
        (";", "#"),
        (),
        None,
        ("cfg",),
        (".gitconfig", ".editorconfig"),
    ),
    Language(
        "dotenv", (".env",), ("#",), (), None, ("env",), (".gitignore", ".dockerignore", "requirements.txt")
    ),
    Language("haskell", (".hs",), ("--",), (("{-", "-}"),), None, ("hs",)),
    Language("elm", (".elm",), ("--",), (("{-", "-}"),)),
    Language("ocaml", (".ml", ".mli"), (), (("(*", "*)"),)),
    Language("fsharp", (".fs", ".fsx", ".fsi"), ("//",), (("(*", "*)"),), None, ("f#",)),
    Language("clojure", (".clj", ".cljs", ".cljc", ".edn"), (";",), (), None, ("clj",)),
    Language(
        "lisp", (".lisp", ".el", ".scm", ".rkt"), (";",), (("#|", "|#"),), None, ("scheme", "elisp", "racket")
    ),
    Language("assembly", (".asm", ".s"), (";", "#", "//"), _C_BLOCK, None, ("asm", "nasm")),
    Language("latex", (".tex", ".sty", ".cls", ".bib"), ("%",), (), None, ("tex",)),
    Language("matlab", (".matlab",), ("%",)),
    Language("erlang", (".erl", ".hrl"), ("%",)),
    Language("prolog", (".pro",), ("%",), _C_BLOCK),
    Language("vb", (".vb", ".vbs", ".bas"), ("'",)),
    Language("vim", (".vim",), ('"',), (), None, ("viml",), (".vimrc",)),
    Language("text", (".txt", ".rst", ".adoc", ".log", ".csv"), (), (), None, ("plaintext", "plain", "txt")),
)

_BY_NAME = {name: lang for lang in LANGUAGES for name in (lang.name, *lang.aliases)}
_BY_SUFFIX = {suffix: lang.name for lang in LANGUAGES for suffix in lang.suffixes}
_BY_FILENAME = {name: lang.name for lang in LANGUAGES for name in lang.filenames}
_BY_INTERPRETER = {name: lang.name for lang in LANGUAGES for name in lang.interpreters}


def get(name: str | None) -> Language | None:
    """The language of that name or alias (any case); None when unknown."""
    return _BY_NAME.get(name.strip().lower()) if name else None


def canonical(name: str | None) -> str | None:
    """The canonical name of a language name or alias; None when unknown."""
    language = get(name)
    return language.name if language else None


def language_for_path(path: str, first_line: str = "") -> str | None:
    """The language of a file by its name, its suffix, then its `#!` line; None when unknown."""
    name = PurePosixPath(path.replace("\\", "/")).name
    if name in _BY_FILENAME:
        return _BY_FILENAME[name]
    suffix = PurePosixPath(name).suffix.lower()
    if suffix in _BY_SUFFIX:
        return _BY_SUFFIX[suffix]
    stem = name.split(".")[0]
    if stem in ("Dockerfile", "Containerfile", "Makefile"):
        return _BY_FILENAME[stem]
    if first_line.startswith("#!"):
        words = [word for word in first_line[2:].split() if not word.startswith("-")]
        names = [PurePosixPath(word).name for word in words]
        if names and names[0] == "env":
            names = [word for word in names[1:] if "=" not in word]
        if names:
            return _BY_INTERPRETER.get(names[0].rstrip("0123456789.")) or _BY_INTERPRETER.get(names[0])
    return None
