# The NumPy ufuncs, one for each operation, and the dtypes that they compute in.
#
# NumPy does broadcasting, casting, where=, overlap safety, subclasses and __array_ufunc__; the one
# inner loop here hands its operands to the dispatcher as they come.

cimport numpy as cnp
from cpython.object cimport PyObject
from cpython.pycapsule cimport PyCapsule_New
from cpython.ref cimport Py_INCREF

import threading

import numpy as np

from cyrelu._dispatch.dispatch cimport run
from cyrelu._dispatch.threads cimport BLOCK_OF_THREAD
from cyrelu._loops.dtypes cimport BOOL, DTYPE_COUNT, FIRST_FLOAT, Dtype, dtype_name
from cyrelu._loops.operations cimport (
    OPERAND_COUNT,
    OPERATION_COUNT,
    OUT,
    Operation,
    has_loop,
    operand_name,
    operation_name,
    takes,
    takes_integers,
)
from cyrelu._loops.types cimport Call, begin_call
from cyrelu._numpy.dtypes cimport (
    ML_TYPE_COUNT,
    TYPE_COUNT,
    dtype_of_number,
    ml_dtype,
    type_number,
)
from cyrelu._numpy.ml_types cimport ml_type
from cyrelu._numpy.operands cimport supports
from cyrelu._platform.float_control cimport FE_ALL_EXCEPT, feclearexcept, fetestexcept

from cyrelu._numpy.resolution import promote_dtypes

cdef extern from *:
    ctypedef struct PyType_Slot:
        int slot
        void* pfunc

cdef extern from "numpy/dtype_api.h":
    ctypedef struct PyArray_Descr:
        int type_num
    ctypedef struct PyArrayMethod_Context:
        PyObject* caller
        PyArray_Descr** descriptors
    ctypedef struct PyArray_DTypeMeta:
        pass
    ctypedef struct PyArrayMethod_Spec:
        const char* name
        int nin
        int nout
        int flags
        cnp.NPY_CASTING casting
        PyArray_DTypeMeta** dtypes
        PyType_Slot* slots
    int NPY_METH_NO_FLOATINGPOINT_ERRORS
    int NPY_METH_strided_loop

cdef extern from "numpy/ufuncobject.h":
    int PyUFunc_AddPromoter(object ufunc, tuple dtypes, object promoter) except -1
    int PyUFunc_AddLoopFromSpec(object ufunc, PyArrayMethod_Spec* spec) except -1

cnp.import_array()
cnp.import_umath()


# What NumPy hands back to the inner loop.
cdef struct LoopData:
    Operation operation
    Dtype dtype

# NumPy keeps pointers into these for as long as the ufuncs live.
cdef LoopData loop_data[OPERATION_COUNT][DTYPE_COUNT]
cdef void* loop_data_pointers[OPERATION_COUNT][TYPE_COUNT]
cdef char types[OPERATION_COUNT][TYPE_COUNT * OPERAND_COUNT]
cdef cnp.PyUFuncGenericFunction inner_loops[TYPE_COUNT]  # the same one for all
cdef PyObject* ufunc_pointers[OPERATION_COUNT]
cdef int ml_numbers[ML_TYPE_COUNT]  # NumPy's numbers of the types of ml_dtypes
cdef list docs = []


cdef void inner_loop(
    char** args, const cnp.npy_intp* dimensions, const cnp.npy_intp* steps, void* data
) noexcept nogil:
    # Comparing a NaN raises the processor's invalid flag, and a*x is computed before it is known
    # to be needed. Neither says anything about the result, so neither may reach np.errstate;
    # the flags that NumPy's own casts raised before must.
    cdef int before = fetestexcept(FE_ALL_EXCEPT)
    cdef LoopData* loop = <LoopData*> data
    cdef Call call
    cdef int k, position = 0
    begin_call(&call, loop.operation, loop.dtype)
    call.n, call.block_limit = dimensions[0], BLOCK_OF_THREAD
    for k in range(OPERAND_COUNT):
        if k == OUT or takes(loop.operation, k):
            call.operands.data[k], call.operands.stride[k] = args[position], steps[position]
            position += 1
    run(&call)
    cdef int raised = fetestexcept(FE_ALL_EXCEPT) & ~before
    if raised:
        feclearexcept(raised)


# The same of NumPy's newer kind, for dtypes that are not its own. (Those of the older kind may
# crash in NumPy 2.0, whose accumulate asks for Python errors after it has released the GIL.) The
# context says which ufunc calls, with which dtype.
cdef int ml_loop(
    const PyArrayMethod_Context* context,
    char** args,
    const cnp.npy_intp* dimensions,
    const cnp.npy_intp* steps,
    void* _auxdata,
) noexcept nogil:
    cdef Operation operation
    cdef int position
    for operation in range(OPERATION_COUNT):
        if ufunc_pointers[operation] == context.caller:
            for position in range(ML_TYPE_COUNT):
                if ml_numbers[position] == context.descriptors[0].type_num:
                    inner_loop(args, dimensions, steps, &loop_data[operation][ml_dtype(position)])
                    return 0
    return -1


cdef list input_names(Operation operation):
    cdef int k
    return [operand_name(k).decode() for k in range(OUT) if takes(operation, k)]


cdef object make_ufunc(Operation operation):
    names = input_names(operation)
    cdef int inputs = <int> len(names)
    cdef Dtype dtype
    cdef int k, position
    cdef int loops = 0
    for k in range(TYPE_COUNT):
        dtype = dtype_of_number(type_number(k))
        if not supports(operation, dtype):
            continue
        inner_loops[loops] = <cnp.PyUFuncGenericFunction> inner_loop
        loop_data[operation][dtype] = LoopData(operation, dtype)
        loop_data_pointers[operation][loops] = &loop_data[operation][dtype]
        for position in range(inputs + 1):
            types[operation][loops * (inputs + 1) + position] = <char> type_number(k)
        loops += 1
    docs.append(
        f"The ufunc behind `cyrelu.{operation_name(operation).decode()}`, where it is described; "
        f"its inputs are {', '.join(names)}.".encode()
    )
    ufunc = cnp.PyUFunc_FromFuncAndData(
        inner_loops,
        loop_data_pointers[operation],
        types[operation],
        loops,
        inputs,
        1,
        cnp.PyUFunc_None,
        operation_name(operation),
        docs[-1],
        0,
    )
    # It is asked about all dtypes for which there is no loop yet.
    promoter = PyCapsule_New(<void*> promote, "numpy._ufunc_promoter", NULL)
    PyUFunc_AddPromoter(ufunc, (None,) * (inputs + 1), promoter)
    return ufunc


# ---- promotion: which loop runs where the dtypes of the operands have none

cdef int promote(
    object ufunc, PyObject** dtypes, PyObject** signature, PyObject** promoted
) except -1:
    """NumPy's hook, called once for each combination of dtypes; NULL stands for no dtype.

    What is left as it is, NumPy promotes by itself.
    """
    cdef Operation operation = names_of_operations.index(ufunc.__name__)
    cdef int k
    given = [<object> dtypes[k] if dtypes[k] else None for k in range(ufunc.nargs)]
    types = {each.type for each in given if each is not None}
    for k in range(ML_TYPE_COUNT):
        if has_loop(operation, ml_dtype(k)) and ml_type(ml_dtype(k)) in types:
            add_ml_loop(ufunc, operation, k)
    wanted = promote_dtypes(
        given,
        ufunc.nin,
        takes_integers(operation),
        has_loop(operation, BOOL),
        ml_types_of(operation),
    )
    for k in range(ufunc.nargs):
        promoted[k] = NULL
        if wanted[k] is not None:
            Py_INCREF(wanted[k])
            promoted[k] = <PyObject*> wanted[k]
    return 0


cdef int add_ml_loop(object ufunc, Operation operation, int position) except -1:
    """Give the ufunc its loop for a type of ml_dtypes, before NumPy has resolved it to another."""
    cdef Dtype dtype = ml_dtype(position)
    cdef PyArrayMethod_Spec spec
    cdef PyType_Slot[2] slots
    cdef PyArray_DTypeMeta* dtypes[OPERAND_COUNT]
    cdef int k
    with lock_of_ml_loops:
        if (operation, dtype) not in added_ml_loops:
            of_numpy = np.dtype(ml_type(dtype))
            ml_numbers[position] = of_numpy.num
            loop_data[operation][dtype] = LoopData(operation, dtype)
            ufunc_pointers[operation] = <PyObject*> ufunc
            dtype_class = type(of_numpy)
            for k in range(OPERAND_COUNT):
                dtypes[k] = <PyArray_DTypeMeta*> <void*> dtype_class
            slots[0] = PyType_Slot(NPY_METH_strided_loop, <void*> ml_loop)
            slots[1] = PyType_Slot(0, NULL)
            spec.name = "ml_loop"
            spec.nin, spec.nout = ufunc.nin, 1
            spec.casting = cnp.NPY_NO_CASTING
            spec.flags = NPY_METH_NO_FLOATINGPOINT_ERRORS
            spec.dtypes = dtypes
            spec.slots = slots
            PyUFunc_AddLoopFromSpec(ufunc, &spec)
            added_ml_loops.add((operation, dtype))
    return 0


cdef list ml_types_of(Operation operation):
    cdef int position
    found = [
        ml_type(ml_dtype(position))
        for position in range(ML_TYPE_COUNT)
        if has_loop(operation, ml_dtype(position))
    ]
    return [each for each in found if each is not None]


names_of_operations = [operation_name(operation).decode() for operation in range(OPERATION_COUNT)]
added_ml_loops = set()
lock_of_ml_loops = threading.Lock()

# In the order of the operations. No attribute of this module is a ufunc: pickle writes down the
# first module that has one under its name, and that is to be cyrelu.ufuncs.
cdef tuple ufuncs = tuple([make_ufunc(operation) for operation in range(OPERATION_COUNT)])
by_name = {ufunc.__name__: ufunc for ufunc in ufuncs}


# ---- for errors.py

def ml_types_of_ufunc(str name):
    return ml_types_of(names_of_operations.index(name))


def dtypes_in_words(str name):
    """What a ufunc has loops for, and of these the floating dtypes."""
    cdef Operation operation = names_of_operations.index(name)
    cdef Dtype dtype
    floats = [
        dtype_name(dtype).decode()
        for dtype in range(FIRST_FLOAT, DTYPE_COUNT)
        if has_loop(operation, dtype)
    ]
    bools = ["bool"] if has_loop(operation, BOOL) else []
    integers = ["an integer type"] if takes_integers(operation) else []
    return bools + integers + floats, floats
