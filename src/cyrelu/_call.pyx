# What every public function does: the fast path for what people pass nearly always, threads for
# large views (_views.pyx), the genuine ufunc for everything else. All end in the same dispatcher,
# so all give the same bits.

cimport numpy as cnp
from libc.string cimport memset

from cyrelu._dispatch cimport kernel, operand_names, run
from cyrelu._kept_memory cimport LEAST_KEPT_BYTES, begin_keeping, end_keeping, is_reused
from cyrelu._loops cimport AT_ZERO, GRAD, NEGATIVE_SLOPE, OUT, X, Kernel, Operands, Operation
from cyrelu._operands cimport Factor, is_computable, take_factor
from cyrelu._ufuncs cimport ufuncs
from cyrelu._views cimport call_views

from cyrelu._errors import explained

cdef extern from "numpy/arrayobject.h":
    object PyArray_NewLikeArray(cnp.ndarray, cnp.NPY_ORDER, void* descr, int subok)

cnp.import_array()

cdef enum:
    RELEASE_GIL_ABOVE = 500  # elements; NumPy's own limit
    EITHER_CONTIGUOUS = cnp.NPY_ARRAY_C_CONTIGUOUS | cnp.NPY_ARRAY_F_CONTIGUOUS


cdef object call(
    Operation operation,
    object grad,
    object x,
    object negative_slope,
    object at_zero,
    object out,
    object where,
    object casting,
    object order,
    object dtype,
    object subok,
):
    cdef object result
    if (
        where is True
        and dtype is None
        and casting is "same_kind"
        and order is "K"
        and subok is True
    ):
        result = call_plain(kernel(operation), grad, x, negative_slope, at_zero, out)
        if result is None:
            result = call_views(kernel(operation), grad, x, negative_slope, at_zero, out)
        if result is not None:
            return result
    return call_ufunc(
        operation, grad, x, negative_slope, at_zero, out, where, casting, order, dtype, subok
    )


cdef object call_plain(
    const Kernel* row, object grad, object x, object negative_slope, object at_zero, object out
):
    """The result where every operand is plain; None, and nothing done, where one is not."""
    if not (cnp.PyArray_CheckExact(x) and is_plain(<cnp.ndarray> x)):
        return None
    cdef cnp.ndarray array = <cnp.ndarray> x
    cdef bint single = cnp.PyArray_TYPE(array) == cnp.NPY_FLOAT
    cdef Py_ssize_t item = sizeof(float) if single else sizeof(double)
    cdef Py_ssize_t n = cnp.PyArray_SIZE(array)
    cdef Operands operands
    cdef Factor slope_factor, zero_factor
    memset(&operands, 0, sizeof(operands))

    if row.takes[GRAD]:
        if not is_like(grad, array):
            return None
        operands.data[GRAD] = cnp.PyArray_BYTES(<cnp.ndarray> grad)
        operands.step[GRAD] = item
    operands.data[X] = cnp.PyArray_BYTES(array)
    operands.step[X] = item
    if row.takes[NEGATIVE_SLOPE]:
        if not take_factor(negative_slope, single, &slope_factor):
            return None
        operands.data[NEGATIVE_SLOPE] = <char*> &slope_factor
    if row.takes[AT_ZERO]:
        if not take_factor(at_zero, single, &zero_factor):
            return None
        operands.data[AT_ZERO] = <char*> &zero_factor
    cdef bint out_is_new = False
    if out is None:
        out = new_like(array, n * item, &out_is_new)
    elif not (
        is_like(out, array)
        and cnp.PyArray_ISWRITEABLE(<cnp.ndarray> out)
        and same_or_apart(<cnp.ndarray> out, array, n * item)
        and not (row.takes[GRAD] and not same_or_apart(<cnp.ndarray> out, grad, n * item))
    ):
        return None
    operands.data[OUT] = cnp.PyArray_BYTES(<cnp.ndarray> out)
    operands.step[OUT] = item

    if n > RELEASE_GIL_ABOVE:
        with nogil:
            run(row, single, &operands, n, out_is_new)
    else:
        run(row, single, &operands, n, out_is_new)
    return out


cdef inline object new_like(cnp.ndarray array, Py_ssize_t size, bint* is_new):
    """An array like this one; whether its memory is new, too."""
    is_new[0] = True
    if size < LEAST_KEPT_BYTES:
        return PyArray_NewLikeArray(array, cnp.NPY_KEEPORDER, NULL, False)
    before = begin_keeping()
    try:
        result = PyArray_NewLikeArray(array, cnp.NPY_KEEPORDER, NULL, False)
    finally:
        end_keeping(before)
    is_new[0] = not is_reused(result)
    return result


cdef inline bint is_plain(cnp.ndarray array) noexcept:
    """Of a type that the loops compute, C- or F-contiguous, not 0-d (those give scalars)."""
    return (
        is_computable(array)
        and cnp.PyArray_FLAGS(array) & EITHER_CONTIGUOUS
        and cnp.PyArray_NDIM(array) > 0
    )


cdef inline bint is_like(object candidate, cnp.ndarray array) noexcept:
    """Whether it is an array as plain as this one, of its dtype, shape and memory order."""
    if not cnp.PyArray_CheckExact(candidate):
        return False
    cdef cnp.ndarray other = <cnp.ndarray> candidate
    return (
        cnp.PyArray_TYPE(other) == cnp.PyArray_TYPE(array)
        and is_plain(other)
        and cnp.PyArray_FLAGS(other) & cnp.PyArray_FLAGS(array) & EITHER_CONTIGUOUS
        and cnp.PyArray_SAMESHAPE(other, array)
    )


cdef inline bint same_or_apart(cnp.ndarray out, cnp.ndarray array, Py_ssize_t size) noexcept:
    """Whether out is the very memory of the array, or shares none of it."""
    cdef char* a = cnp.PyArray_BYTES(out)
    cdef char* b = cnp.PyArray_BYTES(array)
    return a == b or a + size <= b or b + size <= a


cdef object call_ufunc(
    Operation operation,
    object grad,
    object x,
    object negative_slope,
    object at_zero,
    object out,
    object where,
    object casting,
    object order,
    object dtype,
    object subok,
):
    given = {"grad": grad, "x": x, "negative_slope": negative_slope, "at_zero": at_zero}
    inputs = {name: given[name] for name in operand_names(operation)}
    # Only what was asked for: these travel on to every __array_ufunc__.
    keywords = {}
    if out is not None:
        keywords["out"] = out
    if where is not True:
        keywords["where"] = where
    if casting != "same_kind":
        keywords["casting"] = casting
    if order != "K":
        keywords["order"] = order
    if dtype is not None:
        keywords["dtype"] = dtype
    if subok is not True:
        keywords["subok"] = subok
    ufunc = ufuncs[operation]
    try:
        return ufunc(*inputs.values(), **keywords)
    except (TypeError, ValueError) as error:
        clearer = explained(error, ufunc.__name__, inputs, out, dtype, casting)
        if clearer is None:
            raise
        raise clearer from error
