"""Several processes: the same numbers as one, one writer, and a death that loses one epoch at most."""

import json
import os
import pathlib
import socket
import subprocess
import sys

import numpy as np
import pytest
import worker

import tfgen

WORKER = pathlib.Path(__file__).with_name("worker.py")


def start(folder, dies=None):
    """Two workers; the second one dies at the begin of epoch `dies`."""
    sockets = [socket.socket() for _ in range(2)]
    for s in sockets:
        s.bind(("localhost", 0))
    hosts = [f"localhost:{s.getsockname()[1]}" for s in sockets]
    for s in sockets:
        s.close()
    workers = []
    for index in range(2):
        environment = {
            **os.environ,
            "TF_CONFIG": json.dumps({"cluster": {"worker": hosts}, "task": {"type": "worker", "index": index}}),
        }
        death = [str(dies)] if dies is not None and index == 1 else []
        workers.append(
            subprocess.Popen(
                [sys.executable, str(WORKER), str(folder), *death],
                env=environment,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
            )
        )
    return workers


def finish(workers):
    """Exit codes and what each printed."""
    try:
        outputs = [w.communicate(timeout=240) for w in workers]
    finally:
        for w in workers:
            w.kill()
    return [w.returncode for w in workers], [out for out, _ in outputs], [err[-2000:] for _, err in outputs]


def ends(folder):
    return [dict(np.load(path)) for path in sorted(folder.glob("end*.npz"))]


def test_two_workers_equal_one_and_survive_a_death(tmp_path):
    one, two, torn = (tmp_path / name for name in ("one", "two", "torn"))
    for folder in (one, two, torn):
        folder.mkdir()
    worker.main(one, None)
    codes, _, errors = finish(start(two))
    assert codes == [0, 0], errors
    (alone,), (first, second) = ends(one), ends(two)
    for name, value in alone.items():
        np.testing.assert_allclose(first[name], value, rtol=1e-4, atol=1e-5)
        np.testing.assert_array_equal(first[name], second[name])

    codes, said, _ = finish(start(torn, dies=2))
    assert codes == [3, 9]
    assert "another worker is gone" in said[0] and said[0].count("\n") == 1
    codes, _, errors = finish(start(torn))
    assert codes == [0, 0], errors
    for again in ends(torn):
        for name, value in first.items():
            np.testing.assert_array_equal(again[name], value)

    assert isinstance(tfgen.load(two / "model.keras"), tfgen.MADE)
    assert {p.name for p in two.iterdir()} == {"backup", "model.keras", "logs", *(p.name for p in two.glob("end*"))}
    assert len(list((two / "logs" / "train").glob("*.v2"))) == 1


@pytest.mark.parametrize(
    "text", ["{broken", '{"cluster": {"worker": ["a:1"]}, "task": {"type": "worker", "index": 3}}', "[]"]
)
def test_a_tf_config_that_is_none_gets_one_line(monkeypatch, text):
    monkeypatch.setenv("TF_CONFIG", text)
    with pytest.raises(ValueError, match="TF_CONFIG is") as error:
        tfgen.distribute.strategy("multiworker")
    assert "\n" not in str(error.value)
