"""The shape of the source: what keeps a file readable in one sitting, checked."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
SOURCES = sorted((ROOT / "src").rglob("*.py"))
PROGRAMS = sorted(path for folder in ("scripts", "bench") for path in (ROOT / folder).rglob("*.py"))

LONGEST_FILE = 400
LONGEST_FUNCTION = 59
BROAD_EXCEPTS = 5
NAMES_THAT_SAY_NOTHING = {"utils", "util", "helpers", "helper", "common", "misc"}


def test_the_sources_are_found():
    assert ROOT / "src/whycold/__init__.py" in SOURCES


def test_no_file_is_longer_than_400_lines():
    lengths = {place(path): len(path.read_text().splitlines()) for path in SOURCES + PROGRAMS}
    assert {name: n for name, n in lengths.items() if n > LONGEST_FILE} == {}


def test_every_function_is_shorter_than_60_lines():
    lengths = {
        f"{place(path)}:{node.lineno} {node.name}": (node.end_lineno or 0) - node.lineno + 1
        for path in SOURCES + PROGRAMS
        for node in ast.walk(tree(path))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    }
    assert {name: n for name, n in lengths.items() if n > LONGEST_FUNCTION} == {}


def test_no_file_or_folder_has_a_name_that_says_nothing():
    parts = {path: {*path.relative_to(ROOT).parent.parts, path.stem} for path in SOURCES + PROGRAMS}
    assert [place(path) for path in parts if parts[path] & NAMES_THAT_SAY_NOTHING] == []


@pytest.mark.parametrize(
    "path", SOURCES, ids=lambda path: path.relative_to(ROOT / "src").as_posix()
)
def test_a_module_lists_what_it_offers_in_all(path: Path):
    """That the list is sorted is ruff's RUF022."""
    defined = set(public_definitions(tree(path)))
    listed = offered(tree(path))
    if defined:
        assert listed is not None, f"{place(path)} defines {sorted(defined)} and has no __all__"
    assert len(listed or []) == len(set(listed or []))


def test_broad_excepts_can_be_counted_on_one_hand():
    broad = [
        f"{place(path)}:{node.lineno}"
        for path in SOURCES
        for node in ast.walk(tree(path))
        if isinstance(node, ast.ExceptHandler) and catches_everything(node)
    ]
    assert len(broad) <= BROAD_EXCEPTS, broad


def place(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text(), filename=str(path))


def public_definitions(module: ast.Module) -> Iterator[str]:
    for node in module.body:
        match node:
            case (
                ast.FunctionDef(name=name)
                | ast.AsyncFunctionDef(name=name)
                | ast.ClassDef(name=name)
            ):
                if not name.startswith("_"):
                    yield name
            case _:
                pass


def offered(module: ast.Module) -> list[str] | None:
    for node in module.body:
        match node:
            case ast.Assign(targets=[ast.Name(id="__all__")], value=value):
                return ast.literal_eval(value)
            case _:
                pass
    return None


def catches_everything(handler: ast.ExceptHandler) -> bool:
    """Whether it keeps what it catches; one that tidies up and raises again does not."""
    last = handler.body[-1]
    if isinstance(last, ast.Raise) and last.exc is None:
        return False
    if handler.type is None:
        return True
    names = {node.id for node in ast.walk(handler.type) if isinstance(node, ast.Name)}
    return bool(names & {"Exception", "BaseException"})
