# What every public function does: the fast path for what people pass nearly always
# (contiguous.pxd), rows, small views, and threads for large strided and broadcast operands
# (strided.pyx), the ufunc for everything else (ufuncs.pyx).
# All end in the same dispatcher, so all give the same bits.

cimport numpy as cnp
from cpython.float cimport PyFloat_CheckExact
from cpython.list cimport PyList_CheckExact
from cpython.long cimport PyLong_CheckExact
from cpython.object cimport PyObject
from cpython.tuple cimport PyTuple_CheckExact
from libc.math cimport INFINITY

from cyrelu._dispatch.dispatch cimport run_elementwise, run_where
from cyrelu._dispatch.threads cimport NO_BLOCK
from cyrelu._loops.dtypes cimport Dtype, itemsize
from cyrelu._loops.operations cimport (
    AT_ZERO,
    GRAD,
    NEGATIVE_SLOPE,
    OPERAND_COUNT,
    OUT,
    Operation,
    X,
    Y,
    operation_name,
    takes,
    takes_integers,
)
from cyrelu._loops.types cimport Operands, clear
from cyrelu._numpy.contiguous cimport (
    ANY_CONTIGUOUS,
    RELEASE_GIL_ABOVE,
    ContiguousCall,
    take_inputs,
    take_new_out,
    take_out,
)
from cyrelu._numpy.dtypes cimport NPY_NOTYPE
from cyrelu._numpy.limit_blocks cimport context_limit
from cyrelu._numpy.operands cimport (
    are_disjoint,
    dtype_of_type_number,
    has_loop,
    take_scalar,
)
from cyrelu._numpy.scalars cimport Scalar, number_of_scalar
from cyrelu._numpy.strided cimport call_rows, call_strided, call_strided_where
from cyrelu._numpy.ufunc_calls cimport NOT_GIVEN, call_ufunc
from cyrelu._platform.stable_abi cimport float_as_double

from cyrelu._numpy.from_output import refuse_slopes_that_lose_the_sign

cdef extern from "numpy/arrayobject.h":
    object PyArray_Scalar(void* data, cnp.dtype descr, PyObject* base)

cnp.import_array()


cdef object call(
    Operation operation,
    object grad,
    object x,
    object y,
    object negative_slope,
    object at_zero,
    object out,
    object where,
    object casting,
    object order,
    object dtype,
    object subok,
):
    cdef object result = None
    cdef object output = None if out is NOT_GIVEN else out
    if (
        (dtype is None or is_dtype_of(x, dtype))
        and casting is "same_kind"
        and order is "K"
        and subok is True
    ):
        if where is not True:
            result = call_where(operation, grad, x, y, negative_slope, at_zero, output, where)
            if result is None:
                result = call_strided_where(
                    operation, grad, x, y, negative_slope, at_zero, output, where
                )
        else:
            result = call_contiguous(operation, grad, x, y, negative_slope, at_zero, output)
            if result is None and output is None:
                result = call_scalars(operation, grad, x, y, negative_slope, at_zero)
            if (
                result is None
                and (is_sequence(x) or is_sequence(grad) or is_sequence(y))
                and are_plain(grad, x, y, negative_slope, at_zero, output)
            ):
                x = cnp.PyArray_FROM_O(x)
                grad = None if grad is None else cnp.PyArray_FROM_O(grad)
                y = None if y is None else cnp.PyArray_FROM_O(y)
                return call(
                    operation,
                    grad,
                    x,
                    y,
                    negative_slope,
                    at_zero,
                    out,
                    where,
                    casting,
                    order,
                    dtype,
                    subok,
                )
            if result is None:
                result = call_rows(operation, grad, x, y, negative_slope, at_zero, output)
            if result is None:
                result = call_strided(operation, grad, x, y, negative_slope, at_zero, output)
        if result is not None:
            return result
    return call_ufunc(
        operation, grad, x, y, negative_slope, at_zero, out, where, casting, order, dtype, subok
    )


cdef object at_zero_of_output(Operation operation, object negative_slope):
    """An output of 0 comes of an input of 0, or of one below whose product is 0."""
    if not takes(operation, NEGATIVE_SLOPE):
        return 0.0
    if not (
        PyFloat_CheckExact(negative_slope) and 0 < float_as_double(negative_slope) < INFINITY
    ):
        refuse_slopes_that_lose_the_sign(operation_name(operation).decode(), negative_slope)
    return negative_slope


cdef object call_contiguous(
    Operation operation,
    object grad,
    object x,
    object y,
    object negative_slope,
    object at_zero,
    object out,
):
    """The fast path: contiguous, aligned, native arrays of one dtype and shape, scalar factors.

    None, and nothing done, for all other operands.
    """
    cdef ContiguousCall call
    cdef int block_limit = NO_BLOCK
    cdef bint out_is_new = False
    if not take_inputs(operation, grad, x, y, negative_slope, at_zero, False, &call):
        return None
    if out is None:
        out = take_new_out(<cnp.ndarray> x, &call, &out_is_new)
    elif not take_out(out, <cnp.ndarray> x, &call):
        return None
    if call.n > RELEASE_GIL_ABOVE:
        block_limit = context_limit()
        with nogil:
            run_elementwise(
                operation, call.dtype, &call.operands, call.n, out_is_new, block_limit
            )
    else:
        run_elementwise(operation, call.dtype, &call.operands, call.n, out_is_new, block_limit)
    return out


cdef object call_where(
    Operation operation,
    object grad,
    object x,
    object y,
    object negative_slope,
    object at_zero,
    object out,
    object where,
):
    """The same with a mask, and an out; None for all other operands."""
    cdef ContiguousCall call
    cdef const unsigned char* mask
    if not (
        out is not None
        and cnp.PyArray_CheckExact(where)
        and take_inputs(operation, grad, x, y, negative_slope, at_zero, False, &call)
        and take_out(out, <cnp.ndarray> x, &call)
        and is_mask_of(<cnp.ndarray> x, <cnp.ndarray> where)
        and are_disjoint(<cnp.ndarray> where, <cnp.ndarray> out)
    ):
        return None
    mask = <const unsigned char*> cnp.PyArray_BYTES(<cnp.ndarray> where)
    with nogil:
        run_where(operation, call.dtype, &call.operands, call.n, mask)
    return out


cdef inline bint is_mask_of(cnp.ndarray array, cnp.ndarray mask) noexcept:
    """Whether it has a bool for each element of a contiguous array."""
    return (
        cnp.PyArray_TYPE(mask) == cnp.NPY_BOOL
        and cnp.PyArray_FLAGS(mask) & cnp.PyArray_FLAGS(array) & ANY_CONTIGUOUS
        and cnp.PyArray_SAMESHAPE(mask, array)
    )


cdef object call_scalars(
    Operation operation, object grad, object x, object y, object negative_slope, object at_zero
):
    """A NumPy scalar for scalars: Python numbers, NumPy scalars, arrays without dimensions.

    None for all other operands, and where NumPy has to decide the dtype.
    """
    cdef int type_number
    if PyFloat_CheckExact(x):
        type_number = cnp.NPY_DOUBLE
    elif PyLong_CheckExact(x):
        type_number = cnp.NPY_INTP if takes_integers(operation) else cnp.NPY_DOUBLE
    else:
        type_number = number_of_scalar(x)
    cdef Dtype dtype = dtype_of_type_number(type_number)
    if not has_loop(operation, dtype):
        return None
    cdef Scalar[OPERAND_COUNT] values
    cdef Operands operands
    cdef int k
    clear(&operands)
    if (
        not take_scalar(x, type_number, dtype, &values[X])
        or (takes(operation, GRAD) and not take_scalar(grad, type_number, dtype, &values[GRAD]))
        or (takes(operation, Y) and not take_scalar(y, type_number, dtype, &values[Y]))
        or (
            takes(operation, NEGATIVE_SLOPE)
            and not take_scalar(negative_slope, type_number, dtype, &values[NEGATIVE_SLOPE])
        )
        or (
            takes(operation, AT_ZERO)
            and not take_scalar(at_zero, type_number, dtype, &values[AT_ZERO])
        )
    ):
        return None
    for k in range(OPERAND_COUNT):
        if k == OUT or takes(operation, k):
            operands.data[k] = <char*> &values[k]
    for k in (GRAD, X, Y, OUT):
        operands.stride[k] = itemsize(dtype)
    run_elementwise(operation, dtype, &operands, 1, False, NO_BLOCK)
    return PyArray_Scalar(&values[OUT], cnp.PyArray_DescrFromType(type_number), NULL)


cdef inline bint is_sequence(object value) noexcept:
    return PyList_CheckExact(value) or PyTuple_CheckExact(value)


cdef bint are_plain(
    object grad, object x, object y, object negative_slope, object at_zero, object out
) noexcept:
    """Whether none of the operands might answer the call itself, and be given what came."""
    for value in (grad, x, y, negative_slope, at_zero, out):
        if not (
            value is None
            or is_sequence(value)
            or cnp.PyArray_CheckExact(value)
            or PyFloat_CheckExact(value)
            or PyLong_CheckExact(value)
            or number_of_scalar(value) != NPY_NOTYPE
        ):
            return False
    return True


cdef inline bint is_dtype_of(object x, object dtype) noexcept:
    """Whether dtype= asks for what an array has: its very dtype, or the type of its scalars."""
    if not cnp.PyArray_CheckExact(x):
        return False
    cdef cnp.dtype own = <cnp.dtype> <void*> cnp.PyArray_DESCR(<cnp.ndarray> x)
    return dtype is own or <void*> dtype == <void*> own.typeobj
