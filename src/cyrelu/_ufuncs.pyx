# The genuine NumPy ufuncs, one for each row of the table of kernels.
#
# NumPy brings broadcasting, casting, where=, overlap safety, subclasses and __array_ufunc__; the
# one inner loop here hands its operands to the dispatcher as they come.

cimport numpy as cnp

from cyrelu._dispatch cimport kernel, operand_names, run
from cyrelu._loops cimport OPERAND_COUNT, OPERATION_COUNT, Kernel, Operands, Operation

cdef extern from "<fenv.h>" nogil:
    int FE_ALL_EXCEPT
    int fetestexcept(int)
    int feclearexcept(int)

cnp.import_array()
cnp.import_umath()


# What NumPy hands back to the inner loop.
cdef struct LoopData:
    const Kernel* kernel
    bint single

# NumPy keeps pointers into these for as long as the ufuncs live.
cdef LoopData loop_data[OPERATION_COUNT][2]
cdef void* loop_data_pointers[OPERATION_COUNT][2]
cdef char types[OPERATION_COUNT][2 * OPERAND_COUNT]
cdef cnp.PyUFuncGenericFunction[2] inner_loops  # the same one for both dtypes
inner_loops[0] = inner_loops[1] = <cnp.PyUFuncGenericFunction> inner_loop
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
        if loop.kernel.takes[k]:
            operands.data[k] = args[position]
            operands.step[k] = steps[position]
            position += 1
        else:
            operands.data[k] = NULL
            operands.step[k] = 0
    run(loop.kernel, loop.single, &operands, dimensions[0], False)
    cdef int raised = fetestexcept(FE_ALL_EXCEPT) & ~before
    if raised:
        feclearexcept(raised)


cdef object make_ufunc(Operation operation):
    cdef const Kernel* row = kernel(operation)
    names = operand_names(operation)
    cdef int inputs = <int> len(names)
    cdef int operands = inputs + 1
    cdef int k
    for k in range(operands):
        types[operation][k] = cnp.NPY_FLOAT
        types[operation][operands + k] = cnp.NPY_DOUBLE
    for k in range(2):
        loop_data[operation][k] = LoopData(kernel=row, single=k == 0)
        loop_data_pointers[operation][k] = &loop_data[operation][k]
    name = row.name.decode()
    docs.append(
        f"The ufunc behind `cyrelu.{name}`, where it is described; "
        f"its inputs are {', '.join(names)}.".encode()
    )
    return cnp.PyUFunc_FromFuncAndData(
        inner_loops,
        loop_data_pointers[operation],
        types[operation],
        2,
        inputs,
        1,
        cnp.PyUFunc_None,
        row.name,
        docs[-1],
        0,
    )


cdef tuple ufuncs = tuple([make_ufunc(k) for k in range(OPERATION_COUNT)])

relu, leaky_relu, relu_grad, leaky_relu_grad, relu_backward, leaky_relu_backward = ufuncs
