"""One worker of a test: python worker.py FOLDER [epoch to die in]. TF_CONFIG says which; without it, the whole on one
device."""

import os
import pathlib
import sys

import tfgen

# isort: split
import keras
import numpy as np


def main(folder: pathlib.Path, dies: int | None) -> None:
    strategy = tfgen.distribute.strategy("multiworker" if "TF_CONFIG" in os.environ else "none")
    keras.utils.set_random_seed(1)
    with strategy.scope():
        model = tfgen.MADE((5,), hidden=(8,))
        model.compile()

    class Dies(keras.callbacks.Callback):
        def on_epoch_begin(self, epoch, logs=None):
            if epoch == dies:
                os._exit(9)

    x = np.random.default_rng(0).integers(0, 2, (64, 5)).astype("float32")
    callbacks = [
        Dies(),
        keras.callbacks.BackupAndRestore(str(folder / "backup"), delete_checkpoint=False),
        keras.callbacks.ModelCheckpoint(str(folder / "model.keras")),
        keras.callbacks.TensorBoard(str(folder / "logs")),
    ]
    try:
        history = model.fit(
            x, batch_size=16, epochs=4, shuffle=False, verbose=0, callbacks=callbacks, validation_data=(x, None)
        )
    except RuntimeError as error:
        print(error, flush=True)
        os._exit(3)
    judged = model.evaluate(x, batch_size=16, verbose=0, return_dict=True)
    ends = {"loss": history.history["loss"][-1], "judged": judged["loss"]} | {
        f"weight{i}": w for i, w in enumerate(model.get_weights())
    }
    np.savez(folder / f"end{os.environ.get('TF_CONFIG', '')[-3:-2]}.npz", **ends)


if __name__ == "__main__":
    main(pathlib.Path(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else None)
