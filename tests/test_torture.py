"""kill -9 at random moments, again and again: the next command goes on, and the end is that of a run which nobody
disturbed.

Five by default, of which one hits the export; TFGEN_KILLS="100 100" asks for others. The victims are forked from a
process that has imported TensorFlow and not yet used it, so that most of their life is work and not start-up.
"""

import json
import os
import subprocess
import sys

import numpy as np

import tfgen
from tfgen.runs import claims

VICTIMS = '''
import json, os, random, signal, sys, time, zipfile
sys.path.insert(0, sys.argv[1])
# imported, and nothing computed
import keras, tensorflow, tfgen.callbacks, tfgen.catalog, tfgen.runs.training, export.run
from export.__main__ import app
from tfgen.__main__ import command, run_app

def work(line):
    null = os.open(os.devnull, os.O_WRONLY)
    os.dup2(null, 1)
    os._exit(command(line) if line[0] == "train" else run_app(app, line[1:], "python -m export"))

def run(line, wait=None):
    """Its exit code, or None for one killed after so many seconds."""
    child = os.fork()
    if not child:
        work(line)
    begin = time.monotonic()
    while True:
        done, status = os.waitpid(child, os.WNOHANG)
        if done:
            return os.waitstatus_to_exitcode(status), time.monotonic() - begin
        if wait is not None and time.monotonic() - begin > wait:
            os.kill(child, signal.SIGKILL)
            os.waitpid(child, 0)
            return None, wait
        time.sleep(0.01)

def epochs(folder):
    """How far a run is; what stands under a final name can be read to its end."""
    if os.path.exists(folder + "/model.keras"):
        assert zipfile.ZipFile(folder + "/model.keras").testzip() is None
    if os.path.exists(folder + "/card.json"):
        json.load(open(folder + "/card.json"))
    return len(json.load(open(folder + "/logs/history.json"))) if os.path.exists(folder + "/logs/history.json") else 0

kills, of_export = int(sys.argv[2]), int(sys.argv[3])
dice = random.Random(0)
train = sys.argv[4:]
code, seconds = run([*train, "--out", "whole"])
assert code == 0
torn, last, ended = [], [*train, "--out", "torn"], 0
while len(torn) < kills or (len(set(torn)) < 2 and len(torn) < 5 * kills):  # on a busy machine all may come too early
    code, _ = run(last, dice.uniform(0, 0.8 * seconds))
    assert code in (None, 0), code
    if code == 0:
        os.rename("torn", f"ended{(ended := ended + 1)}")  # it came through: another one is begun
        continue
    torn.append(epochs("torn"))
code, _ = run(last)
assert code == 0
print(json.dumps(torn[-kills:]), flush=True)

code, seconds = run(["export", "whole"])
assert code == 0
seen = []
while len(seen) < of_export:
    code, _ = run(["export", "whole"], dice.uniform(0, seconds))
    assert code in (None, 0), code
    if code is None:
        seen.append(sorted(os.listdir("whole/export")) if os.path.exists("whole/export") else None)
        if seen[-1] is not None:
            json.load(open("whole/export/card.json"))
code, _ = run(["export", "whole"])
assert code == 0
print(json.dumps(seen), flush=True)
'''


def state(model):
    return [*model.variables, *(v for o in model.optimizers.values() for v in o.variables)]


def test_kill_at_any_moment(tmp_path):
    line = "train vae --data bars --limit 64 --batch 16 --epochs 12 --set hidden=8 --set latent=2".split()
    kills = os.environ.get("TFGEN_KILLS", "4 1").split()
    result = subprocess.run(
        [sys.executable, "-c", VICTIMS, str(claims.ROOT), *kills, *line],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=3600,
    )
    assert result.returncode == 0, result.stderr[-3000:]
    torn, seen = map(json.loads, result.stdout.splitlines()[-2:])
    assert [len(torn), len(seen)] == list(map(int, kills))
    assert len(set(torn)) > 1, f"every kill came after {torn[0]} epochs: this test would see nothing"
    models = [
        tfgen.load(tmp_path / folder / "model.keras")
        for folder in ("whole", *(p.name for p in tmp_path.glob("ended*")), "torn")
    ]
    for model in models[1:]:
        for ours, theirs in zip(state(models[0]), state(model), strict=True):
            np.testing.assert_array_equal(ours.numpy(), theirs.numpy())
    assert len(json.loads((tmp_path / "torn" / "logs" / "history.json").read_text())) == 12
    assert (tmp_path / "torn" / "samples" / "samples.png").is_file() and (
        tmp_path / "torn" / "samples" / "curves.png"
    ).is_file()
    finished = sorted(path.name for path in (tmp_path / "whole" / "export").iterdir())
    assert {"card.json", "model.tflite", "saved_model"} < set(finished) and all(n in (None, finished) for n in seen)
    assert not list(tmp_path.rglob("*.partial-*"))
