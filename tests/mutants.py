"""Do the tests bite? Small wrongs are put into losses, parts, sampling and families, one at a time, and the tests of
that place are run: python tests/mutants.py --count 60 --seed 0

A wrong is a sign, an operator, a number, a mean for a sum, a gradient that stops or a statement that is left out. Each
is written into a copy of the package, in a process forked from one that has imported TensorFlow. What survives is
printed: it is a test that is missing, or no wrong at all.
"""

import argparse
import ast
import contextlib
import copy
import os
import pathlib
import random
import shutil
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).parents[1]
TESTS = {  # the quickest to notice come first
    "losses/games": ["test_truth_games", "test_truth_adversarial"],
    "losses/divergences": ["test_truth_games"],
    "losses/penalties": ["test_truth_bricks", "test_truth_games", "test_gradients"],
    "losses/mmd": ["test_truth_bricks", "test_sample_metrics", "test_truth_adversarial"],
    "losses/bounds": ["test_parts", "test_truth_variational"],
    "parts": ["test_parts", "test_sketches", "test_truth_adversarial", "test_truth_variational", "test_gradients"],
    "flows": ["test_truth_flows"],
    "laws": ["test_parts", "test_sketches"],
    "sampling": ["test_truth_energy", "test_truth_machines", "test_sketches"],
    "energy": ["test_truth_energy", "test_truth_machines", "test_truth_belief", "test_gradients", "test_papers"],
    "adversarial": ["test_papers", "test_truth_adversarial", "test_truth_sound", "test_gradients", "test_truth_games"],
    "variational": ["test_truth_variational", "test_gradients", "test_papers", "test_parts"],
    "autoregressive": ["test_truth_autoregressive", "test_truth_pixels", "test_gradients", "test_papers"],
    "mixture": ["test_truth_mixture", "test_truth_hmm"],
    "layers/minibatch": ["test_truth_bricks"],
    "layers/virtual": ["test_truth_bricks"],
    "layers/kernels": ["test_truth_bricks"],
    "layers/units": ["test_truth_machines"],
    "layers/masked": ["test_truth_autoregressive"],
    "layers/raster": ["test_truth_pixels"],
    "layers/gated_pixel": ["test_truth_pixels"],
    "layers/pixel_lstm": ["test_truth_pixels"],
    "layers/lines": ["test_truth_pixels"],
}
SWAPS = {ast.Add: ast.Sub, ast.Sub: ast.Add, ast.Mult: ast.Div, ast.Div: ast.Mult}
CALLS = {"reduce_mean": "reduce_sum", "reduce_sum": "reduce_mean", "reduce_logsumexp": "reduce_mean"}
CALLS |= {"softplus": "relu", "sigmoid": "tanh", "maximum": "minimum", "minimum": "maximum"}


def wrongs(tree: ast.Module):
    """(line, what, change) for every place where something can be wrong; `change` works on a copy of the tree."""
    texts = {id(n.value) for n in ast.walk(tree) if isinstance(n, ast.Expr) and isinstance(n.value, ast.Constant)}
    inside = [f for f in ast.walk(tree) if isinstance(f, (ast.FunctionDef, ast.Lambda)) and not _is_said(f)]
    places = {id(n): n for f in inside for n in ast.walk(f)}
    raised = {
        id(m) for n in ast.walk(tree) if isinstance(n, (ast.Raise, ast.JoinedStr, ast.arguments)) for m in ast.walk(n)
    }
    for node in (n for n in places.values() if id(n) not in raised and id(n) not in texts):
        if isinstance(node, ast.BinOp) and type(node.op) in SWAPS and not isinstance(node.left, ast.List):
            yield (
                node.lineno,
                f"{type(node.op).__name__} swapped",
                lambda n: setattr(n, "op", SWAPS[type(n.op)]()),
                node,
            )
        if isinstance(node, ast.BinOp) and isinstance(node.op, (ast.Add, ast.Sub)) and isinstance(node.left, ast.BinOp):
            yield node.lineno, "a term left out", lambda n: vars(n).update(op=ast.Add(), right=ast.Constant(0.0)), node
        if isinstance(node, ast.Constant) and type(node.value) in (int, float) and abs(node.value) < 100:
            yield node.lineno, f"{node.value} moved", lambda n: setattr(n, "value", n.value + 1), node
        if (
            isinstance(node, ast.UnaryOp)
            and isinstance(node.op, ast.USub)
            and not isinstance(node.operand, ast.Constant)
        ):
            yield node.lineno, "a sign lost", lambda n: setattr(n, "op", ast.UAdd()), node
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in CALLS:
            yield node.lineno, f"{node.func.attr} replaced", lambda n: setattr(n.func, "attr", CALLS[n.func.attr]), node
        if isinstance(node, ast.Dict) and any(isinstance(k, ast.Constant) and k.value == "loss" for k in node.keys):
            yield node.lineno, "the gradient stopped", _stop, node
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Call) and not _is_check(node):
            yield node.lineno, "a statement left out", lambda n: setattr(n, "value", ast.Constant(None)), node


def _is_check(node) -> bool:
    text = ast.unparse(node)
    return any(word in text for word in ("super(", "at_least(", "one_of(", "positive(", "share("))


def _is_said(f) -> bool:
    """What no figure hangs on: texts, checks of arguments, configurations."""
    name = getattr(f, "name", "")
    return name in ("get_config", "from_config", "__str__", "describe") or name.startswith(("check", "_check"))


def _stop(node: ast.Dict) -> None:
    for i, (key, value) in enumerate(zip(node.keys, node.values, strict=True)):
        if isinstance(key, ast.Constant) and key.value == "loss":
            node.values[i] = (
                ast.parse(f"0.9 * tf.stop_gradient({ast.unparse(value)}) + 0.1 * ({ast.unparse(value)})").body[0].value
            )


def mutants(count: int, seed: int, places: list[str]):
    """(file, line, what, source) of `count` wrongs, evenly over the places."""
    dice, found = random.Random(seed), []
    for place in places:
        path = ROOT / "tfgen" / place
        files = sorted(path.glob("[!_]*.py")) if path.is_dir() else [path.with_suffix(".py")]
        here = [(f, i) for f in files for i in range(len(list(wrongs(ast.parse(f.read_text())))))]
        found.append([(place, f, i) for f, i in dice.sample(here, min(len(here), count))])
    chosen = [found[k % len(found)].pop() for k in range(count * 3) if found[k % len(found)]][:count]
    for place, file, i in chosen:
        tree = ast.parse(file.read_text())
        line, what, change, node = list(wrongs(tree))[i]
        change(node)
        yield place, file, line, what, ast.unparse(ast.fix_missing_locations(copy.deepcopy(tree)))


def survives(place: str, file: pathlib.Path, source: str, folder: pathlib.Path) -> bool:
    """Whether the tests of a place stay green with this source."""
    shutil.copytree(ROOT / "tfgen", folder / "tfgen", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copytree(ROOT / "tests", folder / "tests", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", folder)
    (folder / file.relative_to(ROOT)).write_text(source)
    child = os.fork()
    if child == 0:
        os.chdir(folder)
        sys.path.insert(0, str(folder))
        os.environ["PYTHONPATH"] = str(folder)
        with open(folder / "log", "w") as log, contextlib.redirect_stdout(log), contextlib.redirect_stderr(log):
            import pytest

            files = [f"tests/{name}.py" for name in TESTS[place]]
            code = pytest.main(["-x", "-q", "-n", "0", "-p", "no:cacheprovider", *files])
        os._exit(int(code))
    return os.waitpid(child, 0)[1] == 0


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--count", type=int, default=60)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--only", nargs="*", default=list(TESTS), choices=TESTS, help="Some of the places.")
    asked = parser.parse_args()
    os.environ.setdefault("TF_NUM_INTRAOP_THREADS", "1")
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    import keras  # noqa: F401  imported, and nothing computed: the children are forked from here
    import scipy.stats  # noqa: F401
    import tensorflow_probability  # noqa: F401

    killed = alive = 0
    for place, file, line, what, source in mutants(asked.count, asked.seed, asked.only):
        began = time.monotonic()
        with tempfile.TemporaryDirectory() as folder:
            lives = survives(place, file, source, pathlib.Path(folder))
        alive, killed = alive + lives, killed + (not lives)
        where = f"{file.relative_to(ROOT)}:{line} {what}"
        print(f"{'SURVIVES' if lives else 'dies'} {where} ({time.monotonic() - began:.0f} s)", flush=True)
    print(f"{killed} of {killed + alive} die: {100 * killed / (killed + alive):.0f} %")


if __name__ == "__main__":
    main()
