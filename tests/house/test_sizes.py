"""A file has one thing to say, and a function fits a screen: what grows beyond is two things."""

import ast
import statistics
from collections.abc import Callable

import pytest

from tests.house.rust_functions import Function, functions
from tests.house.sources import read, written

FILE_LINES_MAX = 400
FILE_LINES_MEDIAN_MAX = 150
FUNCTION_LINES_MAX = 60

# Data, not code: the scenarios copied as they are, and the Unicode tables.
DATA = ("tests/conformance/", "tests/model/unicode_tables.txt")


def _lines(name: str) -> int:
    return len(read(name).splitlines())


def _python_functions(source: str) -> list[Function]:
    return [
        Function(node.name, node.lineno, (node.end_lineno or node.lineno) - node.lineno + 1)
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    ]


def test_no_file_is_long() -> None:
    kinds = (".py", ".pyi", ".rs", ".proto", ".sql", ".md", ".toml", ".sh", "Makefile")
    names = [name for name in written(*kinds) if not name.startswith(DATA)]
    assert len(names) > 200, "the list of files is wrong"
    too_long = {name: lines for name in names if (lines := _lines(name)) > FILE_LINES_MAX}
    assert not too_long, f"split these: {too_long}"


def test_the_usual_file_is_short(record_property: Callable[[str, object], None]) -> None:
    median = statistics.median(_lines(name) for name in written(".py", ".rs"))
    record_property("median_file_lines", median)
    assert median <= FILE_LINES_MEDIAN_MAX


@pytest.mark.parametrize(
    ("suffix", "functions_of"), [(".py", _python_functions), (".rs", lambda source: list(functions(source)))]
)
def test_every_function_fits_a_screen(suffix: str, functions_of: Callable[[str], list[Function]]) -> None:
    found = {name: functions_of(read(name)) for name in written(suffix)}
    assert sum(map(len, found.values())) > 500, "the functions are not found"
    too_long = {
        f"{name}:{function.line} {function.name}": function.lines
        for name, of_file in found.items()
        for function in of_file
        if function.lines > FUNCTION_LINES_MAX
    }
    assert not too_long, f"split these: {too_long}"


def test_rust_functions_are_measured_right() -> None:
    source = (
        "/// fn not_this() {\n"
        "pub fn first<'a>(x: &'a [u8; 3]) -> char\nwhere\n    T: Fn() -> u8,\n{\n"
        '    let brace = \'{\'; let text = "}}"; let raw = r#"{"{"#; // }\n'
        "    fn inner() {}\n"
        "    '\\''\n}\n"
        "trait T {\n    fn declared(&self);\n    fn given(&self) { }\n}\n"
    )
    assert list(functions(source)) == [
        Function("first", 2, 8),
        Function("inner", 7, 1),
        Function("given", 12, 1),
    ]
