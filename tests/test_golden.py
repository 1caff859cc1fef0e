"""Files that an earlier version wrote load ever after, and give the numbers that they gave: samples, losses, and where
training goes on to."""

import numpy as np
import pytest
from golden import make

import tfgen


@pytest.mark.parametrize("name", make.MAKE)
def test_a_file_of_an_earlier_version(name):
    model, kept = tfgen.load(make.HERE / f"{name}.keras"), np.load(make.HERE / f"{name}.npz")
    now = make.seen(model, name)
    assert set(now) == set(kept)
    for what, value in now.items():
        close = {"rtol": 1e-2, "atol": 2e-3} if what.startswith("weight") else {"rtol": 1e-3, "atol": 1e-4}
        np.testing.assert_allclose(value, kept[what], **close, err_msg=what)
