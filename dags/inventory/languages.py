"""Which language a file is written in, by its name and, where the name says nothing, by its first line.

Called for every file that a subtask reads. A table of our own: the languages that trees of code and
configuration are made of, and no guessing between two that share an ending (``.h`` is C, ``.m`` Objective-C).
"""

import re

OTHER = "Other"
BINARY = "Binary"

_ENDINGS = {
    "Ada": "ada adb ads",
    "AsciiDoc": "adoc asciidoc",
    "Assembly": "asm nasm s",
    "Astro": "astro",
    "Awk": "awk",
    "Batch": "bat cmd",
    "C": "c h",
    "C#": "cs csx",
    "C++": "cc cpp cxx c++ hh hpp hxx h++ inl ipp tpp",
    "CMake": "cmake",
    "COBOL": "cbl cob cpy",
    "CSS": "css",
    "CSV": "csv tsv",
    "CUDA": "cu cuh",
    "Clojure": "clj cljc cljs edn",
    "CoffeeScript": "coffee",
    "Common Lisp": "lisp lsp cl asd",
    "Configuration": "cfg cnf conf config ini properties editorconfig env",
    "Crystal": "cr",
    "Cython": "pxd pxi pyx",
    "D": "d di",
    "Dart": "dart",
    "Diff": "diff patch",
    "Elixir": "ex exs heex",
    "Elm": "elm",
    "Emacs Lisp": "el",
    "Erlang": "erl hrl",
    "F#": "fs fsi fsx",
    "Fish": "fish",
    "Fortran": "f f03 f08 f77 f90 f95 for",
    "GLSL": "frag glsl vert",
    "Gettext": "po pot",
    "Go": "go",
    "GraphQL": "gql graphql",
    "Groovy": "groovy gradle gvy",
    "HCL": "hcl tf tfvars",
    "HTML": "htm html xhtml",
    "Haskell": "hs lhs",
    "JSON": "geojson json json5 jsonc jsonl ndjson webmanifest",
    "Java": "java",
    "JavaScript": "cjs js jsx mjs",
    "Jinja": "j2 jinja jinja2",
    "Julia": "jl",
    "Jupyter": "ipynb",
    "Kotlin": "kt kts",
    "LaTeX": "bib cls latex sty tex",
    "Less": "less",
    "Lua": "lua",
    "Makefile": "mak mk",
    "Markdown": "markdown md mdown mdx",
    "Nim": "nim nims",
    "Nix": "nix",
    "OCaml": "ml mli",
    "Objective-C": "m mm",
    "PHP": "php phtml",
    "Pascal": "dpr lpr pas pp",
    "Perl": "perl pl pm pod",
    "PowerShell": "ps1 psd1 psm1",
    "Prolog": "pro prolog",
    "Protocol Buffers": "proto",
    "Python": "py pyi pyw",
    "R": "r rmd",
    "RPM Spec": "spec",
    "Ruby": "gemspec rake rb ru",
    "Rust": "rs",
    "SQL": "ddl dml sql",
    "SVG": "svg",
    "Sass": "sass scss",
    "Scala": "sbt sc scala",
    "Scheme": "rkt scm ss",
    "Shell": "ash bash ksh sh zsh",
    "Solidity": "sol",
    "Starlark": "bazel bzl star",
    "Svelte": "svelte",
    "Swift": "swift",
    "TOML": "toml",
    "Tcl": "tcl tk",
    "Template": "ejs erb handlebars hbs mustache tmpl tpl twig",
    "Text": "log text txt",
    "Thrift": "thrift",
    "TypeScript": "cts mts ts tsx",
    "VHDL": "vhd vhdl",
    "Verilog": "sv svh v vh",
    "Vim Script": "vim",
    "Visual Basic": "bas vb vbs",
    "Vue": "vue",
    "WebAssembly": "wast wat",
    "XML": "plist rng xml xsd xsl xslt",
    "YAML": "yaml yml",
    "Zig": "zig",
    "reStructuredText": "rest rst",
}

_NAMES = {
    "CMake": "cmakelists.txt",
    "Configuration": ".editorconfig .env .gitattributes .gitconfig .gitmodules .npmrc",
    "Dockerfile": "containerfile dockerfile",
    "Go": "go.mod go.sum",
    "Groovy": "jenkinsfile",
    "Ignore List": ".airflowignore .dockerignore .eslintignore .gitignore .helmignore .npmignore",
    "JSON": ".babelrc .eslintrc .prettierrc composer.lock flake.lock pipfile.lock",
    "Makefile": "gnumakefile makefile",
    "Ruby": "gemfile rakefile vagrantfile",
    "Shell": ".bash_profile .bashrc .profile .zshrc",
    "Starlark": "build.bazel tiltfile workspace",
    "TOML": "cargo.lock pipfile poetry.lock uv.lock",
    "Text": "authors changes copying license notice readme",
    "Vim Script": ".vimrc",
    "YAML": ".clang-format .clang-tidy",
}

_INTERPRETERS = {
    "Awk": "awk gawk mawk",
    "Elixir": "elixir",
    "Fish": "fish",
    "Groovy": "groovy",
    "JavaScript": "bun deno node nodejs",
    "Julia": "julia",
    "Lua": "lua luajit",
    "Makefile": "make",
    "PHP": "php",
    "Perl": "perl",
    "PowerShell": "pwsh",
    "Python": "pypy python",
    "R": "Rscript",
    "Ruby": "ruby",
    "Shell": "ash bash dash ksh sh zsh",
    "Tcl": "expect tclsh wish",
}


def _by_word(table: dict[str, str]) -> dict[str, str]:
    return {word: language for language, words in table.items() for word in words.split()}


_BY_ENDING = _by_word(_ENDINGS)
_BY_NAME = _by_word(_NAMES)
_BY_INTERPRETER = _by_word(_INTERPRETERS)
# `#!/usr/bin/env -S python3.12 -u` and `#!/bin/sh`: the program's last word of the path, without its version.
_SHEBANG = re.compile(rb"#![ \t]*(?:\S*/env[ \t]+(?:-\S+[ \t]+)*)?(?:\S*/)?([A-Za-z]+)")


def language_of(name: str, head: bytes, *, binary: bool) -> str:
    """Return the language of the file ``name`` whose first bytes are ``head``."""
    lower = name.lower()
    known = _BY_NAME.get(lower) or _BY_ENDING.get(lower.rpartition(".")[2] if "." in lower else "")
    if known:
        return known
    return BINARY if binary else _by_shebang(head)


def _by_shebang(head: bytes) -> str:
    match = _SHEBANG.match(head)
    return _BY_INTERPRETER.get(match[1].decode(), OTHER) if match else OTHER
