"""The documentation is correct: its examples run and the docstrings are complete."""

import doctest
import importlib
import inspect
import re
from pathlib import Path

import numpy as np
import pytest
from cases import CASES, each_function

import cyrelu

pytestmark = pytest.mark.thread_unsafe(reason="changes the limits of the process")

ROOT = Path(__file__).resolve().parents[1]
PUBLIC = {name: getattr(cyrelu, name) for name in cyrelu.__all__ if name[0] != "_"}
del PUBLIC["ufuncs"]
each_public = pytest.mark.parametrize("thing", PUBLIC.values(), ids=PUBLIC)


@pytest.fixture(autouse=True)
def restored_limit():
    before = cyrelu.get_num_threads()
    yield
    cyrelu.set_num_threads(before)


@each_public
def test_the_examples_of_the_docstring_run(thing):
    tests = doctest.DocTestFinder(recurse=False).find(thing, thing.__name__, globs={})
    [test] = [test for test in tests if test.name == thing.__name__]
    assert test.examples
    report = []
    runner = doctest.DocTestRunner()
    runner.run(test, out=report.append)
    assert not runner.failures, "".join(report)


def test_doctest_finds_the_functions_in_the_package():
    found = {test.name for test in doctest.DocTestFinder().find(cyrelu) if test.examples}
    assert {f"cyrelu.{case.name}" for case in CASES} <= found


@each_public
def test_the_docstring_is_complete(thing):
    validate = pytest.importorskip("numpydoc.validate")
    doc = validate.validate(f"cyrelu.{thing.__name__}")
    unwanted = {
        "GL01": "the summary is on the first line",
        "ES01": "the notes replace an extended summary",
        "SA04": "grouped entries of See Also share one description",
    }
    if inspect.isbuiltin(thing):
        unwanted["GL02"] = "Cython strips the blank end of a builtin function's docstring"
    errors = [(code, text) for code, text in doc["errors"] if code not in unwanted]
    assert errors == []


@each_public
def test_the_documented_parameters_are_those_of_the_signature(thing):
    numpydoc = pytest.importorskip("numpydoc.docscrape")
    documented = [
        name.strip()
        for parameter in numpydoc.NumpyDocString(inspect.getdoc(thing))["Parameters"]
        for name in parameter.name.split(",")
    ]
    in_signature = [name for name in inspect.signature(thing).parameters if name != "self"]
    assert sorted(documented) == sorted(in_signature)


@each_function
def test_the_order_and_kinds_of_parameters(case):
    """Arrays are positional-only, and out comes before what is keyword-only."""
    before_out, after_out = (
        [f"{name}={case.defaults[name]}" for name in names]
        for names in (case.factors_before_out, case.factors_after_out)
    )
    arguments = [*case.arrays, "/", *before_out, "out=None", "*", *after_out]
    if case.oracle.from_output:
        arguments.append("from_output=False")
    keywords = "where=True, casting='same_kind', order='K', dtype=None, subok=True"
    assert str(inspect.signature(case.function)) == f"({', '.join(arguments)}, {keywords})"


# Parts that the docstrings of all functions share; the source has each part once.
SHARED = {
    "out": "out : ndarray, optional\n    A location into which the result is stored; may be `",
    "keywords": "where, casting, order, dtype, subok : optional\n    As for every NumPy ufunc",
    "returns": "Other array types (pandas, xarray, dask, masked arrays) are returned as the same",
    "wrong types": "is complex, longdouble, object, string, datetime, or of another type",
    "wrong out": "`out` is read-only or of the wrong shape",
    "same bits": "same bits for every length, memory layout and number of threads; subnormals",
    "citation": "The rectifier is that of",
    "reference": ".. [1] ",
}


@each_function
@pytest.mark.parametrize("part", SHARED.values(), ids=SHARED)
def test_the_docstring_has_the_shared_parts(case, part):
    words = " ".join(inspect.getdoc(case.function).split())
    assert " ".join(part.split()) in words


PAGES = [
    page
    for page in [ROOT / "README.md", *sorted(ROOT.glob("docs/**/*.md"))]
    if page.exists() and ">>> " in page.read_text(encoding="utf-8")
]


def text_of(page):
    """The page without code fences, which doctest would take for expected output."""
    return re.sub("^```.*$", "", page.read_text(encoding="utf-8"), flags=re.MULTILINE)


def test_there_are_pages_with_examples():
    if not (ROOT / "README.md").exists():
        pytest.skip("the tests run without the source tree")
    assert len(PAGES) > 5


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_the_examples_of_a_page_run(page):
    if page.name == "other_libraries.md":
        pytest.importorskip("array_api_strict")
    test = doctest.DocTestParser().get_doctest(text_of(page), {}, page.name, str(page), 0)
    failures, examples = doctest.DocTestRunner().run(test)
    assert examples > 1
    assert failures == 0


def test_the_two_tutorials_have_the_same_code():
    if not (ROOT / "docs").exists():
        pytest.skip("the tests run without the source tree")

    def code(language):
        page = ROOT / f"docs/tutorial/{language}.md"
        examples = doctest.DocTestParser().get_examples(text_of(page))
        return [(example.source.partition("#")[0].strip(), example.want) for example in examples]

    assert code("en") == code("ja")


def test_the_version_is_that_of_the_installed_package():
    metadata = importlib.import_module("importlib.metadata")
    assert metadata.version("cyrelu") == cyrelu.__version__


class TestShowConfig:
    def test_prints_what_it_returns(self, capsys):
        config = cyrelu.show_config(mode="dicts")
        assert capsys.readouterr().out == ""
        assert cyrelu.show_config() is None
        printed = capsys.readouterr().out
        for section, entries in config.items():
            assert f"{section}:\n" in printed
            for name, value in entries.items():
                assert f"  {name}: {value}\n" in printed

    def test_reports_the_settings_in_effect(self):
        with cyrelu.num_threads(3):
            config = cyrelu.show_config("dicts")
        assert config["threads"]["limit"] == 3
        assert config["cyrelu"]["version"] == cyrelu.__version__
        assert config["numpy"]["version"] == np.__version__
        assert config["instruction_set"]["in_use"] in config["instruction_set"]["available"]

    def test_refuses_another_mode(self):
        with pytest.raises(ValueError, match=r"^show_config: mode is 'json'; expected 'stdout' or"):
            cyrelu.show_config("json")
