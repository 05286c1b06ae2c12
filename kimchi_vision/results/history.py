"""The table of epochs that training writes: a row an epoch, over all stages.

Columns: stage, epoch, lr, train_loss, valid_loss, accuracy, error_rate, macro_recall, macro_precision,
macro_f1, seconds, and kept, true for the epoch that is evaluated and exported.
"""

import pandas as pd


def overfits_from(history: pd.DataFrame) -> int | None:
    """The epoch, counted from 1 over all stages, from which training loss falls while validation loss rises.

    That is the one after the lowest validation loss, when by the last epoch the training loss has gone down
    and the validation loss up. None when it is not so.
    """
    if history.empty:
        return None
    train, valid = history["train_loss"].to_numpy(), history["valid_loss"].to_numpy()
    best = int(valid.argmin())
    if valid[-1] > valid[best] and train[-1] < train[best]:
        return best + 2
    return None
