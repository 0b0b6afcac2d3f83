# The NumPy ufuncs, one for each operation, and their calls.
#
# NumPy does broadcasting, casting, where=, overlap safety, subclasses and __array_ufunc__; the one
# inner loop here hands its operands to the dispatcher as they come.

cimport numpy as cnp

import numpy as np

from cyrelu._dispatch.dispatch cimport run
from cyrelu._dispatch.threads cimport BLOCK_OF_THREAD
from cyrelu._loops.dtypes cimport DTYPE_COUNT, Dtype
from cyrelu._loops.operations cimport (
    OPERAND_COUNT,
    OPERATION_COUNT,
    OUT,
    Operation,
    operand_name,
    operation_name,
    takes,
)
from cyrelu._loops.types cimport Operands
from cyrelu._numpy.buffer_cache cimport empty_cache
from cyrelu._numpy.dtypes cimport number_of_dtype
from cyrelu._numpy.limit_blocks cimport put_back, take_over_context_limit

from cyrelu._numpy.errors import explained
from cyrelu._numpy.overrides import call_overridden
from cyrelu._numpy.resolution import ARRAYS_AND_NUMBERS

cdef extern from "<fenv.h>" nogil:
    int FE_ALL_EXCEPT
    int fetestexcept(int)
    int feclearexcept(int)

cnp.import_array()
cnp.import_umath()


# What NumPy hands back to the inner loop.
cdef struct LoopData:
    Operation operation
    Dtype dtype

# NumPy keeps pointers into these for as long as the ufuncs live.
cdef LoopData loop_data[OPERATION_COUNT][DTYPE_COUNT]
cdef void* loop_data_pointers[OPERATION_COUNT][DTYPE_COUNT]
cdef char types[OPERATION_COUNT][DTYPE_COUNT * OPERAND_COUNT]
cdef cnp.PyUFuncGenericFunction inner_loops[DTYPE_COUNT]  # the same one for all
cdef list docs = []


cdef void inner_loop(
    char** args, const cnp.npy_intp* dimensions, const cnp.npy_intp* steps, void* data
) noexcept nogil:
    # Comparing a NaN raises the processor's invalid flag, and a*x is computed before it is known
    # to be needed. Neither says anything about the result, so neither may reach np.errstate;
    # the flags that NumPy's own casts raised before must.
    cdef int before = fetestexcept(FE_ALL_EXCEPT)
    cdef LoopData* loop = <LoopData*> data
    cdef Operands operands
    cdef int k, position = 0
    for k in range(OPERAND_COUNT):
        if k == OUT or takes(loop.operation, k):
            operands.data[k] = args[position]
            operands.stride[k] = steps[position]
            position += 1
        else:
            operands.data[k] = NULL
            operands.stride[k] = 0
    run(loop.operation, loop.dtype, &operands, dimensions[0], False, BLOCK_OF_THREAD)
    cdef int raised = fetestexcept(FE_ALL_EXCEPT) & ~before
    if raised:
        feclearexcept(raised)


cdef list input_names(Operation operation):
    cdef int k
    return [operand_name(k).decode() for k in range(OUT) if takes(operation, k)]


cdef object make_ufunc(Operation operation):
    names = input_names(operation)
    cdef int inputs = <int> len(names)
    cdef Dtype dtype
    cdef int k
    for dtype in range(DTYPE_COUNT):
        inner_loops[dtype] = <cnp.PyUFuncGenericFunction> inner_loop
        loop_data[operation][dtype] = LoopData(operation, dtype)
        loop_data_pointers[operation][dtype] = &loop_data[operation][dtype]
        for k in range(inputs + 1):
            types[operation][dtype * (inputs + 1) + k] = <char> number_of_dtype(dtype)
    docs.append(
        f"The ufunc behind `cyrelu.{operation_name(operation).decode()}`, where it is described; "
        f"its inputs are {', '.join(names)}.".encode()
    )
    return cnp.PyUFunc_FromFuncAndData(
        inner_loops,
        loop_data_pointers[operation],
        types[operation],
        DTYPE_COUNT,
        inputs,
        1,
        cnp.PyUFunc_None,
        operation_name(operation),
        docs[-1],
        0,
    )


# In the order of the operations. No attribute of this module is a ufunc: pickle writes down the
# first module that has one under its name, and that is to be cyrelu.ufuncs.
cdef tuple ufuncs = tuple([make_ufunc(operation) for operation in range(OPERATION_COUNT)])
by_name = {ufunc.__name__: ufunc for ufunc in ufuncs}


cdef object NOT_GIVEN = object()
cdef object NUMPYS = np.ndarray.__array_ufunc__
# The types of operands that neither answer a ufunc nor need a conversion.
cdef frozenset ORDINARY = frozenset({np.ndarray, float, int, bool, *np.sctypeDict.values()})


cdef bint are_ordinary(list inputs, object out) except -1:
    for operand in inputs:
        if type(operand) not in ORDINARY:
            return False
    for operand in out if type(out) is tuple else (out,):
        if operand is not None and type(operand) not in ORDINARY:
            return False
    return True


cdef bint one_answers_ufuncs(list inputs, object out) except -1:
    """Whether the type of an operand has an __array_ufunc__ of its own, or refuses them (None)."""
    for operand in (*inputs, *(out if type(out) is tuple else (out,))):
        if (
            hasattr(operand, "__array_ufunc__")  # which answers sooner for those without
            and getattr(type(operand), "__array_ufunc__", NUMPYS) is not NUMPYS
        ):
            return True
    return False


cdef list converted(list inputs):
    """The inputs, with the arrays that NumPy makes of lists and of objects with __array__.

    So such an object is asked once, also where the call fails and the error has to be explained.
    Objects that wrap their results stay as they are.
    """
    return [
        value
        if isinstance(value, ARRAYS_AND_NUMBERS) or hasattr(value, "__array_wrap__")
        else np.asanyarray(value)
        for value in inputs
    ]


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
    cdef int k
    given = (grad, x, negative_slope, at_zero)
    inputs = [given[k] for k in range(OUT) if takes(operation, k)]
    # Only what was asked for: these travel on to every __array_ufunc__.
    keywords = {}
    if out is NOT_GIVEN:
        out = None
    else:
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
    before = take_over_context_limit()
    try:
        if not are_ordinary(inputs, out):
            if one_answers_ufuncs(inputs, out):
                return call_overridden(ufuncs[operation], input_names(operation), inputs, keywords)
            inputs = converted(inputs)
        return call_explained(operation, inputs, keywords)
    finally:
        put_back(before)


cdef object call_explained(Operation operation, list inputs, dict keywords):
    """Call the ufunc; an error names the argument that was wrong."""
    ufunc = ufuncs[operation]
    try:
        return ufunc(*inputs, **keywords)
    except MemoryError:
        if keywords.get("out") is not None or not empty_cache():
            raise  # out may have been written, so that the call cannot be repeated
        return ufunc(*inputs, **keywords)
    except (TypeError, ValueError) as error:
        named = dict(zip(input_names(operation), inputs))
        clearer = explained(
            error,
            ufunc,
            named,
            keywords.get("out"),
            keywords.get("dtype"),
            keywords.get("casting", "same_kind"),
        )
        if clearer is None:
            raise
        raise clearer from error
