"""Units that are positive for no example."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.lib.array_utils import normalize_axis_tuple
from numpy.typing import ArrayLike

_ARRAYS = (np.ndarray, np.memmap)
# Elements that are looked at first; then twice as many each time.
_FIRST = 1 << 14


def dead_units(x: ArrayLike, axis: int | tuple[int, ...] = 0) -> Any:
    """Which units of a layer are dead: positive for no example.

    A rectifier passes no gradient back to a unit whose sums are negative for all examples, so its
    weights do not change any more.

    Parameters
    ----------
    x : array_like, any shape
        What the rectifier gets, or what it returns: a number for each example and unit; of any real
        dtype.
    axis : int or tuple of int, default 0
        The axis of the examples. Those of images, too, where a unit is a channel: ``(0, 2, 3)`` for
        ``(n, channels, height, width)``.

    Returns
    -------
    ndarray of bool, or bool
        The shape of `x` without `axis`; True for each dead unit. NaN is not positive. Where there
        are no examples, all units are dead.

    Raises
    ------
    TypeError
        If `x` is complex, object, string or datetime, or an array of another package (pandas,
        dask), which has to be converted first; `numpy.asarray` does.
    numpy.exceptions.AxisError
        If `x` has no such axis.

    See Also
    --------
    leaky_relu : Lets a small slope through below zero, and a gradient back.

    Notes
    -----
    The NumPy equivalent is ``~(x > 0).any(axis)``. `dead_units` looks at more and more examples,
    each time only at the units that were not positive yet, and stops once there is none: for a
    healthy layer after the first few examples.

    The output of `leaky_relu` is positive where its input is, so that it can be used as well.

    Examples
    --------
    >>> import numpy as np
    >>> import cyrelu
    >>> sums = np.array([[1.0, -2.0, -3.0], [-1.0, -2.0, 4.0]])  # of 2 examples and 3 units
    >>> cyrelu.dead_units(sums)
    array([False,  True, False])
    """
    x = _checked(x)
    axes = normalize_axis_tuple(axis, x.ndim, "dead_units: axis")
    examples = np.moveaxis(x, axes, range(len(axes)))
    if not axes:
        return ~(x > 0)  # each element is a unit, and an example
    count = max(1, _FIRST // max(1, examples[:1].size))
    over_examples = tuple(range(len(axes)))
    dead = np.asarray(~(examples[:count] > 0).any(over_examples))
    start = count
    while start < len(examples) and dead.any():
        count *= 2
        dead[dead] = ~(examples[start : start + count, ..., dead] > 0).any(over_examples)
        start += count
    return dead[()]


def _checked(x: Any) -> np.ndarray[Any, Any]:
    kind = type(x)
    if kind not in _ARRAYS and hasattr(kind, "__array_ufunc__") and not isinstance(x, np.generic):
        raise TypeError(
            f"dead_units: x is of type {kind.__module__}.{kind.__qualname__}; expected a "
            "numpy.ndarray, as of np.asarray(x)"
        )
    array = np.asarray(x)
    if array.dtype.kind not in "biufV" or array.dtype.type is np.void:
        raise TypeError(f"dead_units: x has dtype {array.dtype}; expected real numbers")
    return array
