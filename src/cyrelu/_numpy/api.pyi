# Overloads, in the order in which they are tried: out given, array in, scalar in, anything else
# (lists, integer arrays, pandas, xarray, dask: their own types or NumPy's, known at run time only).
# A factor that is an array makes the result an array too, so it leads to the last; a slope that
# is a NumPy scalar is not weak (a float64, though a float, widens float32), so it goes first.

from typing import Any, Literal, TypeVar, overload

import numpy as np
from numpy.typing import ArrayLike, DTypeLike, NDArray

_Float = TypeVar("_Float", np.float32, np.float64)
_Out = TypeVar("_Out", bound=np.ndarray[Any, Any])

_Casting = Literal["no", "equiv", "safe", "same_kind", "unsafe"]
_Order = Literal["K", "A", "C", "F"]

@overload
def relu(
    x: Any,
    /,
    out: _Out | tuple[_Out],
    *,
    where: ArrayLike = True,
    casting: _Casting = "same_kind",
    order: _Order = "K",
    dtype: DTypeLike | None = None,
    subok: bool = True,
) -> _Out: ...
@overload
def relu(
    x: NDArray[_Float],
    /,
    out: None = None,
    *,
    where: ArrayLike = True,
    casting: _Casting = "same_kind",
    order: _Order = "K",
    dtype: None = None,
    subok: bool = True,
) -> NDArray[_Float]: ...
@overload
def relu(
    x: _Float,
    /,
    out: None = None,
    *,
    where: ArrayLike = True,
    casting: _Casting = "same_kind",
    order: _Order = "K",
    dtype: None = None,
    subok: bool = True,
) -> _Float: ...
@overload
def relu(
    x: float,
    /,
    out: None = None,
    *,
    where: ArrayLike = True,
    casting: _Casting = "same_kind",
    order: _Order = "K",
    dtype: None = None,
    subok: bool = True,
) -> np.float64: ...
@overload
def relu(
    x: Any,
    /,
    out: None = None,
    *,
    where: ArrayLike = True,
    casting: _Casting = "same_kind",
    order: _Order = "K",
    dtype: DTypeLike | None = None,
    subok: bool = True,
) -> Any: ...
@overload
def leaky_relu(
    x: Any,
    /,
    negative_slope: ArrayLike = 0.01,
    *,
    out: _Out | tuple[_Out],
    where: ArrayLike = True,
    casting: _Casting = "same_kind",
    order: _Order = "K",
    dtype: DTypeLike | None = None,
    subok: bool = True,
) -> _Out: ...
@overload
def leaky_relu(
    x: Any,
    /,
    negative_slope: ArrayLike,
    out: _Out | tuple[_Out],
    *,
    where: ArrayLike = True,
    casting: _Casting = "same_kind",
    order: _Order = "K",
    dtype: DTypeLike | None = None,
    subok: bool = True,
) -> _Out: ...
@overload
def leaky_relu(
    x: Any,
    /,
    negative_slope: np.generic,
    out: None = None,
    *,
    where: ArrayLike = True,
    casting: _Casting = "same_kind",
    order: _Order = "K",
    dtype: DTypeLike | None = None,
    subok: bool = True,
) -> Any: ...
@overload
def leaky_relu(
    x: NDArray[_Float],
    /,
    negative_slope: float = 0.01,
    out: None = None,
    *,
    where: ArrayLike = True,
    casting: _Casting = "same_kind",
    order: _Order = "K",
    dtype: None = None,
    subok: bool = True,
) -> NDArray[_Float]: ...
@overload
def leaky_relu(
    x: _Float,
    /,
    negative_slope: float = 0.01,
    out: None = None,
    *,
    where: ArrayLike = True,
    casting: _Casting = "same_kind",
    order: _Order = "K",
    dtype: None = None,
    subok: bool = True,
) -> _Float: ...
@overload
def leaky_relu(
    x: float,
    /,
    negative_slope: float = 0.01,
    out: None = None,
    *,
    where: ArrayLike = True,
    casting: _Casting = "same_kind",
    order: _Order = "K",
    dtype: None = None,
    subok: bool = True,
) -> np.float64: ...
@overload
def leaky_relu(
    x: Any,
    /,
    negative_slope: ArrayLike = 0.01,
    out: None = None,
    *,
    where: ArrayLike = True,
    casting: _Casting = "same_kind",
    order: _Order = "K",
    dtype: DTypeLike | None = None,
    subok: bool = True,
) -> Any: ...
@overload
def relu_grad(
    x: Any,
    /,
    out: _Out | tuple[_Out],
    *,
    at_zero: ArrayLike = 1.0,
    where: ArrayLike = True,
    casting: _Casting = "same_kind",
    order: _Order = "K",
    dtype: DTypeLike | None = None,
    subok: bool = True,
) -> _Out: ...
@overload
def relu_grad(
    x: NDArray[_Float],
    /,
    out: None = None,
    *,
    at_zero: float = 1.0,
    where: ArrayLike = True,
    casting: _Casting = "same_kind",
    order: _Order = "K",
    dtype: None = None,
    subok: bool = True,
) -> NDArray[_Float]: ...
@overload
def relu_grad(
    x: _Float,
    /,
    out: None = None,
    *,
    at_zero: float = 1.0,
    where: ArrayLike = True,
    casting: _Casting = "same_kind",
    order: _Order = "K",
    dtype: None = None,
    subok: bool = True,
) -> _Float: ...
@overload
def relu_grad(
    x: float,
    /,
    out: None = None,
    *,
    at_zero: float = 1.0,
    where: ArrayLike = True,
    casting: _Casting = "same_kind",
    order: _Order = "K",
    dtype: None = None,
    subok: bool = True,
) -> np.float64: ...
@overload
def relu_grad(
    x: Any,
    /,
    out: None = None,
    *,
    at_zero: ArrayLike = 1.0,
    where: ArrayLike = True,
    casting: _Casting = "same_kind",
    order: _Order = "K",
    dtype: DTypeLike | None = None,
    subok: bool = True,
) -> Any: ...
@overload
def leaky_relu_grad(
    x: Any,
    /,
    negative_slope: ArrayLike = 0.01,
    *,
    out: _Out | tuple[_Out],
    at_zero: ArrayLike = 1.0,
    where: ArrayLike = True,
    casting: _Casting = "same_kind",
    order: _Order = "K",
    dtype: DTypeLike | None = None,
    subok: bool = True,
) -> _Out: ...
@overload
def leaky_relu_grad(
    x: Any,
    /,
    negative_slope: ArrayLike,
    out: _Out | tuple[_Out],
    *,
    at_zero: ArrayLike = 1.0,
    where: ArrayLike = True,
    casting: _Casting = "same_kind",
    order: _Order = "K",
    dtype: DTypeLike | None = None,
    subok: bool = True,
) -> _Out: ...
@overload
def leaky_relu_grad(
    x: Any,
    /,
    negative_slope: np.generic,
    out: None = None,
    *,
    at_zero: ArrayLike = 1.0,
    where: ArrayLike = True,
    casting: _Casting = "same_kind",
    order: _Order = "K",
    dtype: DTypeLike | None = None,
    subok: bool = True,
) -> Any: ...
@overload
def leaky_relu_grad(
    x: NDArray[_Float],
    /,
    negative_slope: float = 0.01,
    out: None = None,
    *,
    at_zero: float = 1.0,
    where: ArrayLike = True,
    casting: _Casting = "same_kind",
    order: _Order = "K",
    dtype: None = None,
    subok: bool = True,
) -> NDArray[_Float]: ...
@overload
def leaky_relu_grad(
    x: _Float,
    /,
    negative_slope: float = 0.01,
    out: None = None,
    *,
    at_zero: float = 1.0,
    where: ArrayLike = True,
    casting: _Casting = "same_kind",
    order: _Order = "K",
    dtype: None = None,
    subok: bool = True,
) -> _Float: ...
@overload
def leaky_relu_grad(
    x: float,
    /,
    negative_slope: float = 0.01,
    out: None = None,
    *,
    at_zero: float = 1.0,
    where: ArrayLike = True,
    casting: _Casting = "same_kind",
    order: _Order = "K",
    dtype: None = None,
    subok: bool = True,
) -> np.float64: ...
@overload
def leaky_relu_grad(
    x: Any,
    /,
    negative_slope: ArrayLike = 0.01,
    out: None = None,
    *,
    at_zero: ArrayLike = 1.0,
    where: ArrayLike = True,
    casting: _Casting = "same_kind",
    order: _Order = "K",
    dtype: DTypeLike | None = None,
    subok: bool = True,
) -> Any: ...
@overload
def relu_backward(
    grad: Any,
    x: Any,
    /,
    out: _Out | tuple[_Out],
    *,
    at_zero: ArrayLike = 1.0,
    where: ArrayLike = True,
    casting: _Casting = "same_kind",
    order: _Order = "K",
    dtype: DTypeLike | None = None,
    subok: bool = True,
) -> _Out: ...
@overload
def relu_backward(
    grad: NDArray[_Float],
    x: NDArray[_Float],
    /,
    out: None = None,
    *,
    at_zero: float = 1.0,
    where: ArrayLike = True,
    casting: _Casting = "same_kind",
    order: _Order = "K",
    dtype: None = None,
    subok: bool = True,
) -> NDArray[_Float]: ...
@overload
def relu_backward(
    grad: _Float,
    x: _Float,
    /,
    out: None = None,
    *,
    at_zero: float = 1.0,
    where: ArrayLike = True,
    casting: _Casting = "same_kind",
    order: _Order = "K",
    dtype: None = None,
    subok: bool = True,
) -> _Float: ...
@overload
def relu_backward(
    grad: float,
    x: float,
    /,
    out: None = None,
    *,
    at_zero: float = 1.0,
    where: ArrayLike = True,
    casting: _Casting = "same_kind",
    order: _Order = "K",
    dtype: None = None,
    subok: bool = True,
) -> np.float64: ...
@overload
def relu_backward(
    grad: Any,
    x: Any,
    /,
    out: None = None,
    *,
    at_zero: ArrayLike = 1.0,
    where: ArrayLike = True,
    casting: _Casting = "same_kind",
    order: _Order = "K",
    dtype: DTypeLike | None = None,
    subok: bool = True,
) -> Any: ...
@overload
def leaky_relu_backward(
    grad: Any,
    x: Any,
    /,
    negative_slope: ArrayLike = 0.01,
    *,
    out: _Out | tuple[_Out],
    at_zero: ArrayLike = 1.0,
    where: ArrayLike = True,
    casting: _Casting = "same_kind",
    order: _Order = "K",
    dtype: DTypeLike | None = None,
    subok: bool = True,
) -> _Out: ...
@overload
def leaky_relu_backward(
    grad: Any,
    x: Any,
    /,
    negative_slope: ArrayLike,
    out: _Out | tuple[_Out],
    *,
    at_zero: ArrayLike = 1.0,
    where: ArrayLike = True,
    casting: _Casting = "same_kind",
    order: _Order = "K",
    dtype: DTypeLike | None = None,
    subok: bool = True,
) -> _Out: ...
@overload
def leaky_relu_backward(
    grad: Any,
    x: Any,
    /,
    negative_slope: np.generic,
    out: None = None,
    *,
    at_zero: ArrayLike = 1.0,
    where: ArrayLike = True,
    casting: _Casting = "same_kind",
    order: _Order = "K",
    dtype: DTypeLike | None = None,
    subok: bool = True,
) -> Any: ...
@overload
def leaky_relu_backward(
    grad: NDArray[_Float],
    x: NDArray[_Float],
    /,
    negative_slope: float = 0.01,
    out: None = None,
    *,
    at_zero: float = 1.0,
    where: ArrayLike = True,
    casting: _Casting = "same_kind",
    order: _Order = "K",
    dtype: None = None,
    subok: bool = True,
) -> NDArray[_Float]: ...
@overload
def leaky_relu_backward(
    grad: _Float,
    x: _Float,
    /,
    negative_slope: float = 0.01,
    out: None = None,
    *,
    at_zero: float = 1.0,
    where: ArrayLike = True,
    casting: _Casting = "same_kind",
    order: _Order = "K",
    dtype: None = None,
    subok: bool = True,
) -> _Float: ...
@overload
def leaky_relu_backward(
    grad: float,
    x: float,
    /,
    negative_slope: float = 0.01,
    out: None = None,
    *,
    at_zero: float = 1.0,
    where: ArrayLike = True,
    casting: _Casting = "same_kind",
    order: _Order = "K",
    dtype: None = None,
    subok: bool = True,
) -> np.float64: ...
@overload
def leaky_relu_backward(
    grad: Any,
    x: Any,
    /,
    negative_slope: ArrayLike = 0.01,
    out: None = None,
    *,
    at_zero: ArrayLike = 1.0,
    where: ArrayLike = True,
    casting: _Casting = "same_kind",
    order: _Order = "K",
    dtype: DTypeLike | None = None,
    subok: bool = True,
) -> Any: ...
