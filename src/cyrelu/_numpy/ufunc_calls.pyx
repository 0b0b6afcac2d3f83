# Calls of the ufuncs, for everything that the faster paths leave: what goes to NumPy, and which
# argument an error names.

from cpython.object cimport PyObject

import numpy as np

from cyrelu._loops.operations cimport OUT, Operation, operation_name, takes_integers
from cyrelu._numpy.buffer_cache cimport empty_cache
from cyrelu._numpy.limit_blocks cimport put_back, take_over_context_limit
from cyrelu._numpy.ufuncs cimport input_names, ml_types_of, ufuncs

from cyrelu._numpy.errors import explain
from cyrelu._numpy.overrides import call_overridden
from cyrelu._numpy.resolution import ARRAYS_AND_NUMBERS, NUMPY_TYPES, with_ml_numbers


cdef object NOT_GIVEN = object()
cdef object NUMPYS = np.ndarray.__array_ufunc__
# The types of operands that neither answer a ufunc nor need a conversion.
cdef frozenset ORDINARY = frozenset({np.ndarray, float, int, bool}) | NUMPY_TYPES


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


cdef list convert(list inputs):
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
    Operation operation, PyObject** given, object out, const Keywords* keywords
):
    cdef int k
    inputs = [<object> given[k] for k in range(OUT) if given[k] != NULL]
    if takes_integers(operation) and all([type(each) is int for each in inputs]):
        inputs = [
            default_integer(operation, name, number)
            for name, number in zip(input_names(operation), inputs)
        ]
    asked_for = {} if keywords == NULL else keywords_asked_for(keywords)
    if out is NOT_GIVEN:
        out = None
    else:
        asked_for["out"] = out
    before = take_over_context_limit()
    try:
        if not are_ordinary(inputs, out):
            if one_answers_ufuncs(inputs, out):
                return call_overridden(ufuncs[operation], input_names(operation), inputs, asked_for)
            inputs = convert(inputs)
        if "dtype" not in asked_for:
            inputs = with_ml_numbers(inputs, ml_types_of(operation))
        return call_and_explain(operation, inputs, asked_for)
    finally:
        put_back(before)


cdef dict keywords_asked_for(const Keywords* keywords):
    """Those that are not the defaults: they travel on to every __array_ufunc__."""
    asked_for = {}
    if <object> keywords.where is not True:
        asked_for["where"] = <object> keywords.where
    if <object> keywords.casting != "same_kind":
        asked_for["casting"] = <object> keywords.casting
    if <object> keywords.order != "K":
        asked_for["order"] = <object> keywords.order
    if <object> keywords.dtype is not None:
        asked_for["dtype"] = <object> keywords.dtype
    if <object> keywords.subok is not True:
        asked_for["subok"] = <object> keywords.subok
    return asked_for


cdef object default_integer(Operation operation, str name, object number):
    """A Python int as NumPy's default integer, which it is beside other integers, too."""
    try:
        return np.intp(number)
    except OverflowError as error:
        raise OverflowError(
            f"{operation_name(operation).decode()}: {name} is {number}; expected a number within "
            f"{np.dtype(np.intp)}"
        ) from error


cdef object call_and_explain(Operation operation, list inputs, dict keywords):
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
        clearer = explain(
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
