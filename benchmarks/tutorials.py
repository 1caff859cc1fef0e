"""The notebooks of docs/tutorials: `python -m benchmarks tutorials` runs them and writes what they show into them.

A notebook's cells share one namespace; of each, what is printed, the value of its last line and its figures are kept.
"""

import ast
import base64
import contextlib
import io
import json
import os
import re
from pathlib import Path

from tfgen.files import whole

__all__ = ["BOOKS", "main", "run"]

BOOKS = sorted((Path(__file__).parents[1] / "docs" / "tutorials").glob("*.ipynb"))


def run(path: Path, short: bool = False) -> dict:
    """The notebook with its outputs; `short` trains one epoch where it says more."""
    import matplotlib

    matplotlib.use("agg")
    book, names = json.loads(path.read_text()), {"__name__": "__main__"}
    for count, cell in enumerate((c for c in book["cells"] if c["cell_type"] == "code"), 1):
        source = "".join(cell["source"])
        if short:
            source = re.sub(r"\bepochs=\d+", "epochs=1", source)
        cell["outputs"], cell["execution_count"] = _executed(source, names, f"{path.name}, cell {count}"), count
    return book


def _executed(source: str, names: dict, where: str) -> list[dict]:
    import matplotlib.pyplot as plt

    tree, said, value = ast.parse(source), io.StringIO(), None
    last = tree.body.pop() if tree.body and isinstance(tree.body[-1], ast.Expr) else None
    with contextlib.redirect_stdout(said):
        exec(compile(tree, where, "exec"), names)
        if last is not None:
            value = eval(compile(ast.Expression(last.value), where, "eval"), names)
    outputs = []
    if said.getvalue():
        outputs.append({"output_type": "stream", "name": "stdout", "text": said.getvalue().splitlines(keepends=True)})
    for number in plt.get_fignums():
        image = io.BytesIO()
        plt.figure(number).savefig(image, format="png", dpi=72, bbox_inches="tight")
        shown = {"image/png": base64.b64encode(image.getvalue()).decode(), "text/plain": ["<Figure>"]}
        outputs.append({"output_type": "display_data", "data": shown, "metadata": {}})
    if value is not None and not plt.get_fignums():
        text = {"text/plain": [repr(value)]}
        outputs.append({"output_type": "execute_result", "execution_count": None, "data": text, "metadata": {}})
    plt.close("all")
    return outputs


def main(arguments: list[str]) -> int:
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    for path in BOOKS:
        if not arguments or path.stem in arguments:
            print(path, flush=True)
            book = run(path)
            with whole(path) as partial:
                partial.write_text(json.dumps(book, indent=1, ensure_ascii=False) + "\n")
    return 0
