# cython: binding=False
# PReLU's backward pass: both gradients at once. Unlike the elementwise functions it is no ufunc, as
# one of its results is a sum; it takes NumPy's arrays alone.

cimport numpy as cnp

import numpy as np

from cyrelu._dispatch.prelu cimport (
    COLUMNS,
    Prelu,
    add_sections,
    run_prelu,
    sections_of_group,
)
from cyrelu._loops.dtypes cimport FIRST_FLOAT
from cyrelu._loops.operations cimport LEAKY_RELU_BACKWARD
from cyrelu._numpy.dtypes cimport NO_DTYPE
from cyrelu._numpy.limit_blocks cimport context_limit
from cyrelu._numpy.operands cimport are_disjoint, dtype_of
from cyrelu._numpy.ufuncs cimport ufuncs

from cyrelu._numpy.errors import explained
from cyrelu._numpy.prelu_operands import (
    broadcast_shape,
    check_at_zero,
    check_out,
    checked_array,
    grouped,
    with_numbers,
)
from cyrelu._numpy.resolution import resolved

cnp.import_array()


def prelu_backward(grad, x, negative_slope, /, out=None, *, at_zero=1.0):
    """prelu_backward(grad, x, negative_slope, /, out=None, *, at_zero=1.0)\n--\n\n\
    Gradients passed back through PReLU: of x and of the slopes, in one pass.

    PReLU is `leaky_relu` with an array of slopes, which are learned.

    Parameters
    ----------
    grad : array_like
        Gradient with respect to the output of `leaky_relu`. It broadcasts against `x`.
    x : array_like, any shape
        Input of the forward pass; float16, float32, float64 or ml_dtypes' bfloat16, or bool or an
        integer type, which are cast to float64.
    negative_slope : array_like
        The slopes: one for each column, ``(n,)``, for each channel, ``(c, 1, 1)``, one for all, or
        any other shape that broadcasts against `x`.
    out : ndarray, optional
        A location into which the gradient of `x` is stored; may be `grad` or `x` (in place). By
        default a new array is returned.
    at_zero : float, default 1.0
        The derivative at +0.0 and -0.0, where it does not exist. `negative_slope` is the convention
        of PyTorch.

    Returns
    -------
    grad_x : ndarray
        `out`, or a new array: the gradient with respect to `x`, as of `leaky_relu_backward`.
    grad_slopes : ndarray or scalar
        The gradient with respect to the slopes, of their shape and dtype (float64 if that is an
        integer type): the sum of ``grad * x`` over the elements that use a slope. A scalar if
        `negative_slope` is one.

    Raises
    ------
    TypeError
        If an operand is not a NumPy array, a list or a number (pandas, dask and the like), if one
        is complex, longdouble, object, string or datetime, or if the result cannot be cast to the
        dtype of `out`.
    ValueError
        If the shapes do not broadcast, or `out` is read-only or of the wrong shape.

    See Also
    --------
    leaky_relu : The forward pass.
    leaky_relu_backward : The gradient of x alone.

    Notes
    -----
    An element uses the slope if x < 0. What does not adds nothing to it, whatever its gradient
    (inf, NaN). A NaN in `x` is NaN in both gradients.

    The sums are computed in float64, and for float64 with compensation. They have the same bits for
    every memory layout and number of threads. Operands that are not contiguous are copied first.

    The NumPy equivalent is ``leaky_relu_backward(grad, x, negative_slope)`` and
    ``np.where(x >= 0, 0, grad * x)``, summed over the axes along which the slopes were broadcast.
    The rectifier is that of He, Zhang, Ren and Sun [1]_.

    References
    ----------
    .. [1] K. He, X. Zhang, S. Ren and J. Sun, "Delving Deep into Rectifiers: Surpassing Human-Level
       Performance on ImageNet Classification", ICCV 2015.

    Examples
    --------
    >>> import numpy as np
    >>> import cyrelu
    >>> x = np.array([[1.0, -2.0], [-3.0, -4.0]])
    >>> slopes = np.array([0.5, 0.25])
    >>> grad_x, grad_slopes = cyrelu.prelu_backward(np.ones((2, 2)), x, slopes)
    >>> grad_x
    array([[1.  , 0.25],
           [0.5 , 0.25]])
    >>> grad_slopes
    array([-3., -6.])
    """
    if are_alike(grad, x, negative_slope, out) and type(at_zero) is float:
        dtype, shape, slopes = x.dtype, np.shape(x), negative_slope
    else:
        grad, x, slopes, dtype, shape = taken(grad, x, negative_slope, out, at_zero)
    result = np.empty_like(np.broadcast_to(x, shape), dtype) if out is None else out
    sums = gradients(grad, x, slopes, at_zero, result, dtype, shape)
    own_dtype = dtype
    if isinstance(negative_slope, (np.ndarray, np.generic)) and slopes.dtype.kind not in "biu":
        own_dtype = slopes.dtype
    if own_dtype != sums.dtype:
        with np.errstate(all="ignore"):
            sums = sums.astype(own_dtype)
    sums = sums.reshape(np.shape(slopes))
    return (
        result[()] if out is None and result.ndim == 0 else result,
        sums[()] if sums.ndim == 0 else sums,
    )


cdef bint are_alike(object grad, object x, object slopes, object out) except -1:
    """Whether they are arrays of one dtype, and the slopes decide nothing about the shape."""
    if not cnp.PyArray_CheckExact(x) or dtype_of(x) < FIRST_FLOAT:
        return False
    for other in (grad, slopes, x if out is None else out):
        if not (cnp.PyArray_CheckExact(other) and dtype_of(other) == dtype_of(x)):
            return False
    return (
        cnp.PyArray_SAMESHAPE(grad, x)
        and (out is None or (cnp.PyArray_SAMESHAPE(out, x) and cnp.PyArray_ISWRITEABLE(out)))
        and are_sides_of(np.shape(slopes), np.shape(x))
    )


cdef bint are_sides_of(tuple sides, tuple shape) except -1:
    """Whether an array with these sides broadcasts to the shape."""
    cdef Py_ssize_t missing = len(shape) - len(sides)
    cdef Py_ssize_t k
    if missing < 0:
        return False
    for k in range(len(sides)):
        if sides[k] != 1 and sides[k] != shape[missing + k]:
            return False
    return True


cdef tuple taken(object grad, object x, object negative_slope, object out, object at_zero):
    """The operands as arrays or numbers, the dtype that they are computed in, and the shape."""
    names = ("grad", "x", "negative_slope", "at_zero")
    given = [
        checked_array(name, value)
        for name, value in zip(names, (grad, x, negative_slope, at_zero))
    ]
    check_at_zero(at_zero)
    ufunc = ufuncs[LEAKY_RELU_BACKWARD]
    try:
        dtype = resolved(ufunc, with_numbers(given))[-1]
        shape = broadcast_shape(*given[:3])
        check_out(out, shape, dtype)
    except (TypeError, ValueError) as error:
        clearer = explained(
            error, ufunc, dict(zip(names, given)), out, None, "same_kind", "prelu_backward"
        )
        if clearer is None:
            raise
        raise clearer from None
    return given[0], given[1], np.asarray(given[2]), dtype, shape


cdef object gradients(
    object grad,
    object x,
    object slopes,
    object at_zero,
    cnp.ndarray result,
    object dtype,
    tuple shape,
):
    """Write the gradient of x; return that of the slopes, flat and in float64."""
    cdef cnp.ndarray grads = contiguous(grad, dtype, shape)
    cdef cnp.ndarray numbers = contiguous(x, dtype, shape)
    cdef cnp.ndarray factors = np.ascontiguousarray(slopes, dtype)
    # Another array stands in for one that is not contiguous, or shares only a part of its memory.
    cdef cnp.ndarray written = result
    if (
        result.dtype != dtype
        or dtype_of(result) == NO_DTYPE
        or not cnp.PyArray_IS_C_CONTIGUOUS(result)
        or not are_same_or_disjoint(result, grads)
        or not are_same_or_disjoint(result, numbers)
        or not are_disjoint(result, factors)
    ):
        written = np.empty(shape, dtype)

    cdef Prelu call
    cdef cnp.ndarray slopes_of_group
    slopes_of_group, call.rows, call.columns = grouped(shape, np.shape(slopes))
    cdef cnp.ndarray zeros = np.full(1 if call.columns == 1 else COLUMNS, at_zero, dtype)
    call.dtype = dtype_of(written)
    call.grad = cnp.PyArray_BYTES(grads)
    call.x = cnp.PyArray_BYTES(numbers)
    call.slopes = cnp.PyArray_BYTES(factors)
    call.at_zero = cnp.PyArray_BYTES(zeros)
    call.out = cnp.PyArray_BYTES(written)
    call.groups = cnp.PyArray_SIZE(slopes_of_group)
    call.slopes_of_group = <const Py_ssize_t*> cnp.PyArray_DATA(slopes_of_group)
    call.sections = sections_of_group(call.rows, call.columns) if cnp.PyArray_SIZE(written) else 0
    cdef cnp.ndarray sums = np.empty((2, call.groups, call.sections, call.columns))
    cdef cnp.ndarray totals = np.zeros((2, np.size(slopes)))  # and what is lost of each
    cdef double* total = <double*> cnp.PyArray_DATA(totals)
    cdef Py_ssize_t size = cnp.PyArray_SIZE(factors)
    call.sums = <double*> cnp.PyArray_DATA(sums)
    call.errors = call.sums + cnp.PyArray_SIZE(sums) // 2
    cdef int block_limit = context_limit()
    if call.sections > 0:
        with nogil:
            run_prelu(&call, block_limit)
            add_sections(&call, total, total + size, size)
    if written is not result:
        np.copyto(result, written, casting="same_kind")
    return totals[0]


cdef object contiguous(object array, object dtype, tuple shape):
    if np.shape(array) != shape:
        array = np.broadcast_to(array, shape)
    return np.ascontiguousarray(array, dtype)


cdef bint are_same_or_disjoint(cnp.ndarray one, cnp.ndarray other) noexcept:
    """Of contiguous arrays of one size."""
    return cnp.PyArray_BYTES(one) == cnp.PyArray_BYTES(other) or are_disjoint(one, other)


prelu_backward.__module__ = "cyrelu"
