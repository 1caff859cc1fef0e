"""Work in a process of its own, because converters and interpreters can crash: the process starts while we do other
things, takes one task after another, and is started anew where a task killed it."""

import contextlib
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

__all__ = ["Worker", "serve"]


class Worker:
    """`python -m MODULE`, which calls `serve`; use it in a `with`.

    It ends when we do, for it reads its tasks from a pipe to its end.
    """

    def __init__(self, module: str):
        self.module, self._child = module, None

    def __enter__(self) -> "Worker":
        self._words = tempfile.TemporaryFile("w+")
        self._start()
        return self

    def __exit__(self, *_) -> None:
        with contextlib.suppress(BrokenPipeError):
            self._child.stdin.close()
        self._child.wait()
        self._child.stdout.close()
        self._words.close()

    def _start(self) -> None:
        root = str(Path(__file__).resolve().parents[1])
        path = os.pathsep.join(filter(None, [root, os.environ.get("PYTHONPATH")]))
        self._child = subprocess.Popen(
            [sys.executable, "-m", self.module],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._words,
            text=True,
            env={**os.environ, "CUDA_VISIBLE_DEVICES": "", "TF_CPP_MIN_LOG_LEVEL": "3", "PYTHONPATH": path},
        )

    def do(self, task: dict) -> dict:
        """Its answer, or {"crashed": why}."""
        try:
            self._child.stdin.write(json.dumps(task) + "\n")
            self._child.stdin.flush()
            answer = self._child.stdout.readline()
        except BrokenPipeError:
            answer = ""
        if answer:
            return json.loads(answer)
        code = self._child.wait()
        with contextlib.suppress(BrokenPipeError):
            self._child.stdin.close()
        self._child.stdout.close()
        self._words.seek(0)
        said = self._words.read().strip().splitlines()
        self._start()
        return {"crashed": f"code {code}" + (f": {said[-1][:200]}" if said and code > 0 else "")}


def serve(work: Callable[[dict], dict]) -> None:
    """Tasks from standard input, a line each; answers to standard output, which nobody else gets to write to."""
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    for line in sys.stdin:
        answers.write(json.dumps(work(json.loads(line))) + "\n")
        answers.flush()
    os._exit(0)
