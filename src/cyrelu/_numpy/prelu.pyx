# cython: binding=False
# PReLU's backward pass: both gradients at once. Unlike the elementwise functions it is no ufunc, as
# one of its results is a sum; it takes NumPy's arrays alone.

cimport numpy as cnp
from cpython.object cimport PyObject
from libc.stdint cimport uint16_t
from libc.string cimport memset

import numpy as np

from cyrelu._dispatch.overlap cimport are_disjoint
from cyrelu._dispatch.prelu cimport Prelu, add_sections, run_prelu, sections_of_group
from cyrelu._loops.conversions cimport round_to
from cyrelu._loops.dtypes cimport FLOAT32, FLOAT64, Dtype
from cyrelu._loops.operations cimport (
    AT_ZERO,
    GRAD,
    LEAKY_RELU_BACKWARD,
    NEGATIVE_SLOPE,
    OUT,
    X,
)
from cyrelu._loops.types cimport MAX_NDIM
from cyrelu._numpy.call cimport Borrowed
from cyrelu._numpy.classification cimport CONTIGUOUS, Arguments, broadcasts_to, classify
from cyrelu._numpy.limit_blocks cimport context_limit
from cyrelu._numpy.outputs cimport make_out, use_out
from cyrelu._numpy.scalars cimport Scalar
from cyrelu._numpy.ufuncs cimport ml_types_of, ufuncs

from cyrelu._numpy.errors import explain
from cyrelu._numpy.prelu_operands import (
    check_at_zero,
    check_out,
    check_array,
)
from cyrelu._numpy.resolution import resolve, with_ml_numbers

cdef extern from "numpy/arrayobject.h":
    object PyArray_NewLikeArray(cnp.ndarray, cnp.NPY_ORDER, void* descr, int subok)
    object PyArray_Scalar(void* data, cnp.dtype descr, PyObject* base)

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
    cdef Arguments arguments
    cdef Borrowed[OUT] given
    name_operands(given, grad, x, negative_slope, at_zero)
    if read_operands(given, out, &arguments):
        out = make_out(given, &arguments) if out is None else out
        totals = gradients(<cnp.ndarray> x, negative_slope, &arguments)
        return out, as_slopes(totals, negative_slope, &arguments)
    return gradients_of_copies(grad, x, negative_slope, out, at_zero)


cdef inline void name_operands(
    PyObject** given, object grad, object x, object negative_slope, object at_zero
) noexcept:
    memset(given, 0, OUT * sizeof(Borrowed))
    given[GRAD], given[X] = <PyObject*> grad, <PyObject*> x
    given[NEGATIVE_SLOPE], given[AT_ZERO] = <PyObject*> negative_slope, <PyObject*> at_zero


cdef bint read_operands(PyObject** given, object out, Arguments* arguments) noexcept:
    """Fill in the call, if the operands need no copy; and out, which may be None.

    grad and x have one shape and one dtype, in C order; the slopes, too, or are one number.
    """
    if classify(LEAKY_RELU_BACKWARD, given, arguments) < CONTIGUOUS or not (
        arguments.shape_from == X
        and is_c_contiguous(given[X])
        and cnp.PyArray_CheckExact(<object> given[GRAD])
        and is_c_contiguous(given[GRAD])
        and cnp.PyArray_SAMESHAPE(<cnp.ndarray> given[GRAD], <cnp.ndarray> given[X])
        and not arguments.arrays >> AT_ZERO & 1
        and (out is None or use_out(given, out, arguments))
    ):
        return False
    cdef cnp.ndarray slopes
    if arguments.arrays >> NEGATIVE_SLOPE & 1:
        slopes = <cnp.ndarray> given[NEGATIVE_SLOPE]
        arguments.call.operands.stride[NEGATIVE_SLOPE] = 0
        return (
            is_c_contiguous(given[NEGATIVE_SLOPE])
            and broadcasts_to(slopes, <cnp.ndarray> given[X])
            and (out is None or are_apart(slopes, <cnp.ndarray> out))
        )
    return True


cdef inline bint is_c_contiguous(PyObject* array) noexcept:
    return cnp.PyArray_IS_C_CONTIGUOUS(<cnp.ndarray> array)


cdef inline bint are_apart(cnp.ndarray one, cnp.ndarray other) noexcept:
    """Whether two contiguous arrays share no memory."""
    return are_disjoint(
        cnp.PyArray_BYTES(one),
        cnp.PyArray_NBYTES(one),
        cnp.PyArray_BYTES(other),
        cnp.PyArray_NBYTES(other),
    )


cdef cnp.ndarray gradients(cnp.ndarray x, object slopes, Arguments* arguments):
    """Write the gradient of x; return that of the slopes, flat and in float64."""
    cdef Prelu prelu
    cdef cnp.ndarray slopes_of_group = group(x, slopes, &prelu)
    cdef cnp.npy_intp[2] shape
    prelu.call = arguments.call
    prelu.slopes_of_group = <const Py_ssize_t*> cnp.PyArray_DATA(slopes_of_group)
    prelu.sections = sections_of_group(prelu.rows, prelu.columns) if cnp.PyArray_SIZE(x) else 0
    shape[0], shape[1] = 2, prelu.groups * prelu.sections * prelu.columns
    cdef cnp.ndarray sums = cnp.PyArray_EMPTY(2, shape, cnp.NPY_DOUBLE, False)
    prelu.sums = <double*> cnp.PyArray_DATA(sums)
    prelu.errors = prelu.sums + shape[1]
    cdef Py_ssize_t count = cnp.PyArray_SIZE(slopes) if cnp.PyArray_CheckExact(slopes) else 1
    shape[1] = count
    cdef cnp.ndarray totals = cnp.PyArray_ZEROS(2, shape, cnp.NPY_DOUBLE, False)
    cdef double* total = <double*> cnp.PyArray_DATA(totals)
    prelu.call.block_limit = context_limit()
    if prelu.sections > 0:
        with nogil:
            run_prelu(&prelu)
            add_sections(&prelu, total, total + count, count)
    return totals


cdef cnp.ndarray group(cnp.ndarray x, object slopes, Prelu* prelu):
    """Divide x into groups of rows of columns, each column with its own slope.

    Fills in their numbers, and returns where in the slopes those of each group begin. Only the
    shapes decide: the last axes along which the slopes differ are the columns, those before along
    which they do not are the rows, and all others number the groups.
    """
    cdef int ndim = cnp.PyArray_NDIM(x)
    cdef int missing = ndim
    cdef Py_ssize_t[MAX_NDIM] side  # of the slopes, along the axes of x
    cdef Py_ssize_t[MAX_NDIM] index
    cdef int first_column = ndim
    cdef int first_row, axis
    cdef Py_ssize_t k, position, stride
    if cnp.PyArray_CheckExact(slopes):
        missing = ndim - cnp.PyArray_NDIM(<cnp.ndarray> slopes)
    for axis in range(ndim):
        index[axis] = 0
        side[axis] = 1
        if axis >= missing:
            side[axis] = cnp.PyArray_DIM(<cnp.ndarray> slopes, axis - missing)
    while first_column > 0 and (
        side[first_column - 1] != 1 or cnp.PyArray_DIM(x, first_column - 1) == 1
    ):
        first_column -= 1
    first_row = first_column
    while first_row > 0 and side[first_row - 1] == 1:
        first_row -= 1
    prelu.groups = prelu.rows = prelu.columns = 1
    for axis in range(ndim):
        if axis >= first_column:
            prelu.columns *= side[axis]
        elif axis >= first_row:
            prelu.rows *= cnp.PyArray_DIM(x, axis)
        else:
            prelu.groups *= cnp.PyArray_DIM(x, axis)
    cdef cnp.npy_intp shape = prelu.groups
    cdef cnp.ndarray first_slopes = cnp.PyArray_EMPTY(1, &shape, cnp.NPY_INTP, False)
    for k in range(prelu.groups):
        position, stride = 0, prelu.columns
        for axis in range(first_row - 1, -1, -1):
            if side[axis] != 1:
                position += index[axis] * stride
            stride *= side[axis]
        (<Py_ssize_t*> cnp.PyArray_DATA(first_slopes))[k] = position
        for axis in range(first_row - 1, -1, -1):  # to the next group
            index[axis] += 1
            if index[axis] < cnp.PyArray_DIM(x, axis):
                break
            index[axis] = 0
    return first_slopes


cdef object as_slopes(cnp.ndarray totals, object slopes, Arguments* arguments):
    """The gradient of the slopes, of their dtype and shape."""
    cdef const double* total = <const double*> cnp.PyArray_DATA(totals)
    cdef Dtype dtype = arguments.call.dtype
    cdef cnp.ndarray result
    cdef Scalar number
    if not cnp.PyArray_CheckExact(slopes) or cnp.PyArray_NDIM(<cnp.ndarray> slopes) == 0:
        round_totals(total, dtype, &number, 1)
        descr = cnp.PyArray_DescrFromType(arguments.type_number)
        return PyArray_Scalar(&number, descr, NULL)
    result = PyArray_NewLikeArray(<cnp.ndarray> slopes, cnp.NPY_CORDER, NULL, False)
    round_totals(total, dtype, cnp.PyArray_DATA(result), cnp.PyArray_SIZE(result))
    return result


cdef void round_totals(const double* total, Dtype dtype, void* to, Py_ssize_t n) noexcept:
    cdef Py_ssize_t k
    for k in range(n):
        if dtype == FLOAT64:
            (<double*> to)[k] = total[k]
        elif dtype == FLOAT32:
            (<float*> to)[k] = <float> total[k]
        else:
            (<uint16_t*> to)[k] = round_to(dtype, total[k])


# ---- operands of several dtypes, shapes, or layouts

cdef tuple gradients_of_copies(
    object grad, object x, object negative_slope, object out, object at_zero
):
    """The same for any operands, of which those are copied that have to be."""
    cdef Arguments arguments
    grad, x, slopes, dtype, shape = check_operands(grad, x, negative_slope, out, at_zero)
    grads, numbers = contiguous(grad, dtype, shape), contiguous(x, dtype, shape)
    factors = np.asarray(slopes, dtype, order="C")
    zero = np.full((), at_zero, dtype)
    cdef Borrowed[OUT] given
    name_operands(given, grads, numbers, factors, zero)
    result = np.empty_like(np.broadcast_to(x, shape), dtype) if out is None else out
    # Another array stands in for one that is not contiguous, or shares only a part of its memory.
    written = result.reshape(1) if shape == () and result.dtype == dtype else result
    if not read_operands(given, written, &arguments):
        written = np.empty_like(numbers)
        read_operands(given, written, &arguments)
    sums = gradients(<cnp.ndarray> numbers, factors, &arguments)[0]
    if not np.may_share_memory(written, result):
        np.copyto(result, written.reshape(shape), casting="same_kind")
    with np.errstate(all="ignore"):
        sums = sums.astype(dtype_of_sums(negative_slope, slopes, dtype)).reshape(np.shape(slopes))
    return (
        result[()] if out is None and shape == () else result,
        sums[()] if sums.ndim == 0 else sums,
    )


cdef object dtype_of_sums(object given, object slopes, object dtype):
    """That of slopes which have one; Python numbers and integers have that of the result."""
    is_float = isinstance(given, (np.ndarray, np.generic)) and slopes.dtype.kind not in "biu"
    return slopes.dtype if is_float else dtype


cdef object contiguous(object array, object dtype, tuple shape):
    return np.ascontiguousarray(np.broadcast_to(array, shape), dtype)  # with one axis at least


cdef tuple check_operands(
    object grad, object x, object negative_slope, object out, object at_zero
):
    """The operands as arrays or numbers, the dtype that they are computed in, and the shape."""
    names = ("grad", "x", "negative_slope", "at_zero")
    given = [
        check_array(name, value)
        for name, value in zip(names, (grad, x, negative_slope, at_zero))
    ]
    check_at_zero(at_zero)
    ufunc = ufuncs[LEAKY_RELU_BACKWARD]
    try:
        numbers = with_ml_numbers(given, ml_types_of(LEAKY_RELU_BACKWARD))
        dtype = resolve(ufunc, numbers)[-1]
        shape = np.broadcast_shapes(*map(np.shape, given[:3]))
        check_out(out, shape, dtype)
    except (TypeError, ValueError) as error:
        clearer = explain(
            error, ufunc, dict(zip(names, given)), out, None, "same_kind", "prelu_backward"
        )
        if clearer is None:
            raise
        raise clearer from None
    return given[0], given[1], np.asarray(given[2]), dtype, shape


prelu_backward.__module__ = "cyrelu"
