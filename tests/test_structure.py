"""The house itself: imports run one way, every public model has a row, the README says what is true."""

import ast
import doctest
import importlib
import os
import pathlib
import re
import subprocess
import sys
from types import SimpleNamespace

import keras
import pytest

import tfgen
from benchmarks import pages
from tfgen import _quiet, adversarial, autoregressive, energy, files, mixture, restoration, variational
from tfgen.catalog import CATALOG, table
from tfgen.model import GenerativeModel

ROOT = pathlib.Path(tfgen.__file__).parents[1]
FAMILIES = (energy, adversarial, variational, autoregressive, mixture, restoration)
FLOORS = [
    {"_quiet", "bicubic", "checks", "condition", "entry", "files", "heads", "progress", "rng", "signature", "values"},
    {"distribute", "door", "laws", "layers", "pictures"},
    {"callbacks", "data", "describe", "losses", "nets", "sampling"},
    {"flows"},
    {"_keras", "parts"},
    {"metrics", "model"},
    {"analysis", *(family.__name__.split(".")[1] for family in FAMILIES)},
    {"catalog"},
    {"runs"},
    {"__init__", "__main__"},
]
FLOOR = {name: i for i, names in enumerate(FLOORS) for name in names}


def imported(path: pathlib.Path):
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom) and node.module:
            yield from [f"tfgen.{alias.name}" for alias in node.names] if node.module == "tfgen" else [node.module]
        elif isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)


def test_imports_run_one_way():
    wrong = []
    for path in (ROOT / "tfgen").rglob("*.py"):
        mine = path.relative_to(ROOT / "tfgen").parts[0].removesuffix(".py")
        for module in imported(path):
            top, *rest = module.split(".")
            if top in ("apps", "export", "tests", "benchmarks") or (
                top == "tfgen" and rest and rest[0] != mine and FLOOR[rest[0]] >= FLOOR[mine]
            ):
                wrong.append(f"{path.relative_to(ROOT)} imports {module}")
    assert not wrong


def test_every_public_model_has_a_row():
    """Or is the engine of one that has."""
    rows = {entry.model for entry in CATALOG}
    for family in FAMILIES:
        public = {
            value
            for name in family.__all__
            if isinstance(value := getattr(family, name), type) and issubclass(value, GenerativeModel)
        }
        defined = {
            value
            for path in pathlib.Path(family.__file__).parent.glob("*.py")
            for value in vars(
                importlib.import_module(
                    f"{family.__name__}.{path.stem}" if path.stem != "__init__" else family.__name__
                )
            ).values()
            if isinstance(value, type)
            and issubclass(value, GenerativeModel)
            and value.__module__.startswith(family.__name__)
        }
        assert public == defined
        for model in public - rows:
            assert any(issubclass(row, model) for row in rows), (
                f"{model.__name__} is public and has no row in the catalog"
            )
    names = [entry.name for entry in CATALOG]
    assert len(names) == len(set(names))


def test_every_system_says_what_it_is():
    """Its file: what it is, where it was published (a year), and its parts on the class."""
    for entry in CATALOG:
        about = sys.modules[entry.model.__module__].__doc__
        assert len(about.splitlines()) > 3 and re.search(r"\b(1[89]|20)\d\d\b", about), entry.name
        assert entry.model.__doc__ and "Arguments" in entry.model.__doc__, entry.name
        model = entry.full((8, 8, 1))
        assert model.shape == (8, 8, 1) and model.values in ("binary", "unit", "signed", "bytes", "real")


def run(code, *arguments):
    clean = {k: v for k, v in os.environ.items() if not k.startswith("TF_")}
    return subprocess.run(
        [sys.executable, "-c", code, *arguments], capture_output=True, text=True, cwd=ROOT, timeout=120, env=clean
    )


def test_the_command_line_does_not_wait_for_tensorflow():
    result = run(
        "import sys; sys.orig_argv = ['python', '-m', 'tfgen']; import tfgen; print('tensorflow' in sys.modules)"
    )
    assert result.stdout == "False\n", result.stderr


@pytest.mark.parametrize("name, value", [("keras", "3.12.0"), ("keras", "2.15.0"), ("tensorflow", "2.15.0")])
def test_older_versions_are_refused_in_one_line(monkeypatch, name, value):
    monkeypatch.setattr(importlib.import_module(name), "__version__", value)
    with pytest.raises(ImportError, match=r"pip install -r requirements.txt") as error:
        _quiet.import_tensorflow()
    assert value in str(error.value) and "\n" not in str(error.value)


def blocks(language):
    return re.findall(rf"```{language}\n(.*?)```", (ROOT / "README.md").read_text(), re.S)


def test_the_readme_s_table_is_the_catalog():
    assert table() in (ROOT / "README.md").read_text(), (
        "run: python -c 'import tfgen; print(tfgen.catalog.table())' and put it into the README"
    )


def test_the_pages_are_the_catalog_s():
    told = "run: python -m benchmarks pages"
    assert (pages.DOCS / "index.md").read_text() == pages.index(), told
    assert {path.stem for path in pages.PAGES.glob("*.md")} == {entry.name for entry in CATALOG}, told
    for entry in CATALOG:
        assert (pages.PAGES / f"{entry.name}.md").read_text() == pages.page(entry), told


@pytest.mark.filterwarnings("ignore:.*shuffle.*")
def test_the_readme_s_code_runs(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for block in blocks("python"):
        keras.utils.set_random_seed(0)
        exec(compile(block, "README.md", "exec"), {"__name__": "readme"})
    assert list(tmp_path.glob("*.keras"))


def test_public_names():
    for name in tfgen.__all__:
        assert getattr(tfgen, name) is not None
    with pytest.raises(AttributeError, match="tfgen has no 'VEA'"):
        _ = tfgen.VEA


def test_keras_loads_what_was_saved_and_the_terminal_stays_quiet(tmp_path):
    """In a fresh process, by Keras's own function; training prints nothing that was not asked for."""
    files = []
    for name, model in (
        ("vae", tfgen.VAE((4,), latent=2, hidden=(3,))),
        ("gan", tfgen.GAN((4,), latent=2, hidden=(3,))),
        ("rbm", tfgen.RBM((4,), hidden=2)),
        ("gmm", tfgen.GMM((2,), components=2)),
    ):
        model.compile()
        model.save(tmp_path / f"{name}.keras")
        files.append(str(tmp_path / f"{name}.keras"))
    code = (
        "import sys, tfgen, keras, tensorflow as tf; models = [keras.saving.load_model(f) for f in sys.argv[1:]];"
        "models[0].fit(tf.ones([8, 4]), verbose=0); print(*(type(model).__name__ for model in models))"
    )
    result = run(code, *files)
    assert (result.returncode, result.stdout, result.stderr) == (0, "VAE GAN RBM GMM\n", "")


def test_what_a_wheel_brings(tmp_path, monkeypatch):
    """Claims and classifiers, which stand beside the package in a clone, and in share/ where it is installed."""
    import importlib.metadata
    import tomllib

    brought = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["setuptools"]["data-files"]
    records = []
    for folder, patterns in brought.items():
        for path in (path for pattern in patterns for path in ROOT.glob(pattern)):
            records.append(importlib.metadata.PackagePath("..", "..", folder, path.name))
            records[-1].dist = SimpleNamespace(locate_file=lambda p: tmp_path / "lib" / "site" / p)
    assert {"claims.csv", "digits_classifier.keras", "mnist_classifier.json"} <= {record.name for record in records}
    monkeypatch.setattr(importlib.metadata, "files", lambda name: records)
    monkeypatch.setattr(files, "__file__", str(tmp_path / "lib" / "site" / "tfgen" / "files.py"))
    assert files.shipped("saved_models") == tmp_path / "share" / "tfgen" / "saved_models"
    assert files.shipped("docs/claims.csv") == tmp_path / "share" / "tfgen" / "docs" / "claims.csv"


EXAMPLES = sorted(p for p in (ROOT / "tfgen").rglob("*.py") if ">>> " in p.read_text())


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_examples_of_docstrings(path, tmp_path, monkeypatch, capsys):
    """They run, and print what they say."""
    monkeypatch.chdir(tmp_path)
    module = importlib.import_module(".".join(path.relative_to(ROOT).with_suffix("").parts))
    given = {**vars(module), "tfgen": tfgen, "keras": keras}
    found = [t for t in doctest.DocTestFinder().find(module, globs=given) if t.examples]
    runner = doctest.DocTestRunner(optionflags=doctest.ELLIPSIS)
    for test in found:
        runner.run(test, clear_globs=False)
    assert found and runner.failures == 0, capsys.readouterr().out
