# The operands of calls that are rarer than those of classification.pxd.

cimport numpy as cnp
from cpython.float cimport PyFloat_CheckExact
from cpython.list cimport PyList_CheckExact
from cpython.long cimport PyLong_CheckExact
from cpython.object cimport PyObject
from cpython.tuple cimport PyTuple_CheckExact

from cyrelu._loops.dtypes cimport Dtype, itemsize
from cyrelu._loops.operations cimport OPERAND_COUNT, OUT, Operation, X, takes_integers
from cyrelu._loops.types cimport begin_call, is_factor
from cyrelu._numpy.dtypes cimport NPY_NOTYPE
from cyrelu._numpy.operands cimport dtype_of_type_number, supports, read_scalar
from cyrelu._numpy.scalars cimport number_of_scalar

cnp.import_array()


cdef Kind classify_by_largest(
    Operation operation, PyObject** given, Arguments* arguments
) noexcept:
    cdef int largest = OUT
    cdef int k
    for k in range(OUT):
        if given[k] != NULL and is_array(given[k]) and (
            largest == OUT or is_larger(<cnp.ndarray> given[k], <cnp.ndarray> given[largest])
        ):
            largest = k
    if largest == OUT:
        return classify_scalars(operation, given, arguments)
    return classify_beside(largest, operation, given, arguments)


cdef Kind classify_scalars(
    Operation operation, PyObject** given, Arguments* arguments
) noexcept:
    """The operands are scalars, among them at least one that is not weak, or Python numbers."""
    cdef int type_number = type_number_of_scalars(operation, given)
    cdef Dtype dtype = dtype_of_type_number(type_number)
    cdef Call* call = &arguments.call
    cdef int k
    if not supports(operation, dtype):
        return kind_with_others(given)
    begin_call(call, operation, dtype)
    call.n = 1
    arguments.shape_from, arguments.type_number = X, type_number
    for k in range(OPERAND_COUNT):
        if k != OUT and given[k] == NULL:
            continue
        if k != OUT and not read_scalar(
            <object> given[k], type_number, dtype, &arguments.scalars[k]
        ):
            return kind_with_others(given)
        call.operands.data[k] = <char*> &arguments.scalars[k]
        if not is_factor(k):
            call.operands.stride[k] = itemsize(dtype)
    return SCALARS


cdef inline int type_number_of_scalars(Operation operation, PyObject** given) noexcept:
    """NumPy's type of the first operand that is not a Python number, or that of these."""
    cdef int type_number = cnp.NPY_INTP if takes_integers(operation) else cnp.NPY_DOUBLE
    cdef int k
    for k in range(OUT):
        if given[k] == NULL or PyLong_CheckExact(<object> given[k]):
            continue
        if not PyFloat_CheckExact(<object> given[k]):
            return number_of_scalar(<object> given[k])
        type_number = cnp.NPY_DOUBLE
    return type_number


cdef Kind kind_with_others(PyObject** given) noexcept:
    """Sequences become arrays, unless another operand might answer the call itself."""
    cdef Kind kind = FOR_UFUNC
    cdef int k
    for k in range(OUT):
        if given[k] == NULL:
            continue
        value = <object> given[k]
        if PyList_CheckExact(value) or PyTuple_CheckExact(value):
            kind = WITH_SEQUENCES
        elif not (
            cnp.PyArray_CheckExact(value)
            or PyFloat_CheckExact(value)
            or PyLong_CheckExact(value)
            or number_of_scalar(value) != NPY_NOTYPE
        ):
            return FOR_UFUNC
    return kind
