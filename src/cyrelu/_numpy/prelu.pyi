from typing import Any

import numpy as np
from numpy.typing import ArrayLike

def prelu_backward(
    grad: ArrayLike,
    x: ArrayLike,
    negative_slope: ArrayLike,
    /,
    out: np.ndarray[Any, Any] | None = None,
    *,
    at_zero: float = 1.0,
) -> tuple[Any, Any]: ...
