"""The pages of docs/ say what the code does: made parts, links, command lines, reasons.

After a change of a command's help, a dimension, an experiment or an import

    python tests/unit/test_docs.py

writes the made parts of all pages anew; read the difference before committing it.
"""

from __future__ import annotations

import ast
import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import click
import pytest
from made_docs import DOCS, commands, made_part, pages, parts, with_made_parts
from source_text import package_imports, sentences_in

from lab.checkout import ROOT
from lab.cli import app
from lab.measure.call.fidelity import judge
from lab.measure.record import CallRecord

PAGES = {str(page.relative_to(ROOT)): page for page in pages()}
LINK = re.compile(r"!?\[[^\]]*\]\((?P<target>[^)\s]+)\)")
FENCE = re.compile(r"^(?P<fence>`{3,}).*?^(?P=fence)$", re.DOTALL | re.MULTILINE)
LIMIT = re.compile(r"(?P<what>.+?) 1e\+09.* > (?P<limit>[\d.]+)(?P<unit> ms| %)?")
OPERATORS = {"|", "||", "&&", ";", ">", "do", "!", "{", "}"}


@pytest.mark.parametrize("name", PAGES)
def test_the_made_parts_are_what_the_code_makes_now(name: str) -> None:
    for part, text in parts(PAGES[name].read_text()).items():
        assert text == made_part(part), f"{part}: python tests/unit/test_docs.py"


def test_every_command_is_described() -> None:
    described = parts(PAGES["docs/commands.md"].read_text()).keys()
    assert {f"help of {name}" for name, _ in commands()} - described == set()


@pytest.mark.parametrize(
    ("page", "needed"),
    [
        ("docs/experiments.md", {"dimensions", "designs", "experiments"}),
        ("docs/architecture.md", {"packages"}),
        ("docs/closed.md", {"privileges"}),
        ("docs/concepts.md", {"roles", "methods", "loads", "faults", "opinions"}),
    ],
)
def test_every_thing_there_is_has_a_row(page: str, needed: set[str]) -> None:
    assert needed <= parts(PAGES[page].read_text()).keys()


@pytest.mark.parametrize("name", PAGES)
def test_links_lead_somewhere(name: str) -> None:
    page = PAGES[name]
    for match in LINK.finditer(FENCE.sub("", page.read_text())):
        target, _, heading = match["target"].partition("#")
        if re.match(r"[a-z]+:", target):
            continue
        there = (page.parent / target).resolve() if target else page
        assert there.exists(), match[0]
        assert not heading or heading in _headings(there), match[0]


def test_the_index_names_every_page() -> None:
    index = PAGES["docs/README.md"].read_text()
    linked = {match["target"] for match in LINK.finditer(index)}
    assert {str(page.relative_to(DOCS)) for page in DOCS.rglob("*.md")} - {"README.md"} <= linked


@pytest.mark.parametrize("name", PAGES)
def test_command_lines_that_are_shown_can_be_typed(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Files that a page speaks of are the reader's.
    monkeypatch.setattr(click.Path, "convert", lambda _self, value, _param, _context: value)
    for words in _shown(PAGES[name].read_text()):
        _parse(words)


def test_a_command_line_that_cannot_be_typed_is_found() -> None:
    page = "$ lab call v-tor --rate 1mbit | less && lab lonk show  # wrong\n"
    assert list(_shown(page)) == [["call", "v-tor", "--rate", "1mbit"], ["lonk", "show"]]
    with pytest.raises(click.UsageError, match="No such option"):
        _parse(["call", "v-tor", "--rote", "1mbit"])
    with pytest.raises(AssertionError):
        _parse(["lonk", "show"])


def test_every_reason_for_an_invalid_call_is_explained() -> None:
    page = " ".join(PAGES["docs/how-checked.md"].read_text().split())
    reasons = set(_reasons())
    assert len(reasons) > 50
    assert {reason for reason in reasons if reason not in page} == set()


def test_every_limit_of_the_verdict_is_in_the_table() -> None:
    record = CallRecord("1", "", "v-tor", "PCMU", "lab", "paper", "kamailio", 0, status="ok")
    judge(record)
    names = {reason.removesuffix(" was not measured") for reason in record.invalid_reasons}
    rows = [line for line in PAGES["docs/how-checked.md"].read_text().splitlines() if "|" in line]
    for field in ("pacing_ms_p99", "pacing_ms_max", "load_pacing_ms_p99", "cpu_pct", "steal_pct"):
        setattr(record, field, 1e9)
    for field in ("capture_drops", "scheduling_ms_p99", "scheduling_ms_max", "clock_shift_ms"):
        setattr(record, field, 10**9)
    record.busiest_node, record.busiest_node_cpu_pct = "…", 1e9
    record.invalid_reasons = []
    judge(record)
    assert len(record.invalid_reasons) == len(names) + 1
    for reason in record.invalid_reasons:
        match = LIMIT.fullmatch(reason)
        assert match is not None, reason
        limit = f"| {match['limit']}{match['unit'] or ''} |"
        assert any(match["what"] in row and limit in row for row in rows), reason


def test_imports_keep_to_the_line() -> None:
    imports = package_imports()
    assert imports["wire"] == set()
    assert imports["agents"] == {"wire"}
    assert imports["measure"] <= {"agents", "wire"}
    assert imports["render"] <= {"roles", "topology", "wire"}
    assert imports["field"] <= {"clip", "measure", "wire"}
    assert {name for name, others in imports.items() if "cli" in others} <= {"web"}
    assert {name for name, others in imports.items() if "web" in others} <= {"cli"}


def test_what_the_page_shows_knows_nothing_of_pages() -> None:
    imports = dict(package_imports("lab.web"))
    pages = imports.pop("pages")
    assert pages == set(imports)
    assert imports.pop("drawing") == {"topology"}
    assert set().union(*imports.values()) == set()
    web = ROOT / "lab" / "web"
    by_nicegui = {path for path in web.rglob("*.py") if "nicegui" in path.read_text()}
    assert by_nicegui <= {web / "server.py", *(web / "pages").iterdir()}


def _headings(page: Path) -> set[str]:
    """What GitHub calls the headings of a page in addresses."""
    found = re.findall(r"^#+ (.+)$", FENCE.sub("", page.read_text()), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in found}


def _shown(page: str) -> Iterator[list[str]]:
    """The words of every `lab` that is typed in a page, without `lab` itself."""
    for line in re.findall(r"^ *\$ (.+)$", page.replace("\\\n", " "), re.MULTILINE):
        lexer = shlex.shlex(line, posix=True, punctuation_chars=True)
        lexer.whitespace_split = True
        words: list[str] = []
        for word in [*lexer, ";"]:
            if word not in OPERATORS:
                words.append(word)
                continue
            if words and words[0].rpartition("/")[2] == "lab":
                yield words[1:]
            words = []


def _parse(words: list[str]) -> None:
    """Let click read the words; its own errors where a word or an option is none."""
    command: click.Command = app
    context: click.Context | None = None
    try:
        while True:
            context = command.make_context("lab", words, context)
            if not isinstance(command, click.Group):
                return
            name, *words = [*context._protected_args, *context.args]
            found = command.get_command(context, name)
            assert found is not None, name
            command = found
    except click.exceptions.Exit as end:
        assert end.exit_code == 0, words


def _reasons() -> Iterator[str]:
    """The sentences that can become reasons of an invalid call, `…` for what is put into them."""
    for package in (ROOT / "lab" / "measure", ROOT / "lab" / "wire"):
        for path in sorted(package.rglob("*.py")):
            for node in ast.walk(ast.parse(path.read_text())):
                if _gives_reasons(node):
                    yield from sentences_in(node)


def _gives_reasons(node: ast.AST) -> bool:
    match node:
        case ast.FunctionDef(name=name):
            return bool(re.search(r"(faults|doubts)$|^_stray|^changed_shape$", name))
        case ast.AugAssign(target=ast.Attribute(attr="invalid_reasons")):
            return True
        case ast.Call(func=ast.Attribute(value=ast.Attribute(attr="invalid_reasons"))):
            return True
    return False


if __name__ == "__main__":
    for page in PAGES.values():
        page.write_text(with_made_parts(page.read_text()))
