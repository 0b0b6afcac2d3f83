"""The values of the names in each package's formulas, prepared before the timing.

Every function takes a cell, its operands and the number of threads. It raises if the package does
not support the cell, and the report says so.
"""

from __future__ import annotations

from functools import cache
from typing import Any

import formulas
import numpy as np
from cells import OPS, Cell, Operands

import cyrelu

Names = dict[str, Any]


def typed(cell: Cell, operands: Operands) -> Names:
    """Zero, one and the slope in the dtype of x, for packages without weak Python scalars."""
    dtype = np.dtype(cell.dtype).type
    return {"zero": dtype(0), "one": dtype(1), "a": np.asarray(operands.slope, dtype)[()]}


def for_cyrelu(cell: Cell, operands: Operands, threads: int) -> Names:
    return {"cyrelu": cyrelu, **operands.arrays, "out": operands.out, "a": operands.slope}


def for_numpy(cell: Cell, operands: Operands, threads: int) -> Names:
    constants = {name: np.asarray(value) for name, value in typed(cell, operands).items()}
    dtype = np.dtype(cell.dtype)
    largest = np.iinfo(dtype).max if dtype.kind in "iu" else np.inf
    return {
        **constants,
        **operands.arrays,
        "out": operands.out,
        # Python numbers are not weak beside bfloat16.
        "a": constants["a"] if dtype.name == "bfloat16" else operands.slope,
        "a_typed": constants["a"],
        "np": np,
        "inf": largest,
    }


def for_limits(cell: Cell, operands: Operands, threads: int) -> Names:
    import limits

    return {
        **for_numpy(cell, operands, threads),
        "limits": limits.load(),
        "cyrelu": cyrelu,
        "threads": threads,
    }


def for_numexpr(cell: Cell, operands: Operands, threads: int) -> Names:
    import numexpr

    arrays = {**operands.arrays, "out": operands.out}
    return {"evaluate": numexpr.evaluate, **arrays, **typed(cell, operands)}


def for_numba(cell: Cell, operands: Operands, threads: int) -> Names:
    return {
        **typed(cell, operands),
        **operands.arrays,
        "out": operands.out,
        "vectorized": numba_vectorized(cell.op, cell.dtype),
    }


def for_numba_loop(cell: Cell, operands: Operands, threads: int) -> Names:
    names = {**typed(cell, operands), **operands.arrays, "out": operands.out}
    return names | {"parallel_loop": numba_loop(cell.op, cell.dtype)}


@cache
def numba_vectorized(op: str, dtype: str) -> Any:
    import numba

    signature = [getattr(numba, dtype)] * (len(OPS[op].arguments) + 1)
    return numba.vectorize([signature[0](*signature[1:])], nopython=True)(scalar(op, dtype))


@cache
def numba_loop(op: str, dtype: str) -> Any:
    import numba

    arguments = OPS[op].arguments
    elements = ", ".join(f"{name}[i]" if name in OPS[op].arrays else name for name in arguments)
    source = f"""def parallel_loop({", ".join(arguments)}, out):
        for i in prange(out.size):
            out[i] = scalar({elements})
        return out"""
    names = {"prange": numba.prange, "scalar": numba.njit(scalar(op, dtype))}
    exec(source, names)
    return numba.njit(parallel=True)(names["parallel_loop"])


def scalar(op: str, dtype: str) -> Any:
    """An operation on one element, as a Python function."""
    condition, where_true, elsewhere = formulas.CHOICES[op]
    return function(op, f"{where_true} if {condition} else {elsewhere}", dtype)


def function(op: str, expression: str, dtype: str, **names: Any) -> Any:
    """A Python function of the operation's arguments, with zero and one of the dtype."""
    constant = np.dtype(dtype).type
    names |= {"zero": constant(0), "one": constant(1)}
    return eval(f"lambda {', '.join(OPS[op].arguments)}: {expression}", names)


def for_torch(cell: Cell, operands: Operands, threads: int) -> Names:
    """Tensors that share the memory of the arrays, so that in place means the same for all."""
    import torch

    arrays = {**operands.arrays, "out": operands.out, **typed(cell, operands)}
    tensors = {name: as_tensor(torch, np.asarray(array)) for name, array in arrays.items()}
    by_channel = isinstance(operands.slope, np.ndarray)
    return {
        **tensors,
        "a": tensors["a"] if by_channel else operands.slope,
        "a_typed": tensors["a"],
        "torch": torch,
        "aten": torch.ops.aten,
    }


def as_tensor(torch: Any, array: np.ndarray) -> Any:
    if array.dtype.name == "bfloat16":  # which torch.from_numpy does not take
        return torch.from_numpy(array.view(np.int16)).view(torch.bfloat16)
    return torch.from_numpy(array)


def as_array(result: Any) -> np.ndarray:
    """A new array of what a formula returned: an array, or a tensor."""
    if str(getattr(result, "dtype", "")) == "torch.bfloat16":
        import torch

        return np.array(result.view(torch.int16)).view("bfloat16")
    return np.array(result)


def for_jax(cell: Cell, operands: Operands, threads: int) -> Names:
    from jax import numpy as jnp

    arrays = {**operands.arrays, "a": typed(cell, operands)["a"]}
    on_device = {name: jnp.asarray(array) for name, array in arrays.items()}
    return {**on_device, "jitted": jax_function(cell.op, cell.dtype)}


@cache
def jax_function(op: str, dtype: str) -> Any:
    import jax

    choice = ", ".join(formulas.CHOICES[op])
    constants = {"zero": np.dtype(dtype).type(0), "one": np.dtype(dtype).type(1)}
    arguments = ", ".join(OPS[op].arguments)
    return jax.jit(
        eval(f"lambda {arguments}: where({choice})", {"where": jax.numpy.where} | constants)
    )


def for_onnx_runtime(cell: Cell, operands: Operands, threads: int) -> Names:
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    # Otherwise its threads spin for about 40 ms after a call and slow down the next contender.
    options.add_session_config_entry("session.force_spinning_stop", "1")
    session = onnxruntime.InferenceSession(
        onnx_model(cell, operands), options, providers=["CPUExecutionProvider"]
    )
    binding = session.io_binding()
    binding.bind_cpu_input("x", operands.x)
    out = operands.out
    binding.bind_output("y", "cpu", 0, out.dtype, out.shape, out.ctypes.data)
    return {"session": session, "binding": binding, "feed": {"x": operands.x}}


def onnx_model(cell: Cell, operands: Operands) -> bytes:
    from onnx import TensorProto, helper

    kinds = {"float32": "FLOAT", "float64": "DOUBLE"}
    kind = getattr(TensorProto, kinds.get(cell.dtype, cell.dtype.upper()))
    x, y = (helper.make_tensor_value_info(name, kind, ["n"]) for name in "xy")
    operator = {"relu": "Relu", "leaky_relu": "LeakyRelu"}[cell.op]
    attributes = {"alpha": operands.slope} if OPS[cell.op].takes_slope else {}
    node = helper.make_node(operator, ["x"], ["y"], **attributes)
    model = helper.make_model(
        helper.make_graph([node], cell.op, [x], [y]),
        opset_imports=[helper.make_opsetid("", 16)],
        ir_version=9,
    )
    return model.SerializeToString()


def for_thinc(cell: Cell, operands: Operands, threads: int) -> Names:
    from thinc.api import NumpyOps

    return {"ops": NumpyOps(), **operands.arrays}
