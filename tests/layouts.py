"""Memory layouts by name.

Each function takes a new array and returns an equal array in the layout that its name says.
"""

import numpy as np


def c_contiguous(array):
    return array.copy(order="C")


def f_contiguous(array):
    return array.copy(order="F")


def every_second(array):
    wide = np.repeat(array, 2, axis=-1)
    return wide[..., ::2]


def reversed_order(array):
    return array[..., ::-1].copy()[..., ::-1]


def transposed(array):
    return array.T.copy().T


def block(array):
    """The inside of a larger array: rows are contiguous, the whole is not."""
    padded = np.pad(array, [(1, 1)] * array.ndim)
    return padded[tuple(slice(1, -1) for _ in array.shape)]


def unaligned(array):
    raw = np.empty(array.nbytes + 1, np.uint8)[1:]
    moved = raw.view(array.dtype).reshape(array.shape)
    moved[...] = array
    return moved


def byte_swapped(array):
    return array.astype(array.dtype.newbyteorder())


def read_only(array):
    array = array.copy()
    array.flags.writeable = False
    return array


def in_a_record(array):
    """A field of a structured array: elements are 9 or 13 bytes apart, most of them unaligned."""
    records = np.zeros(array.shape, [("flag", "u1"), ("value", array.dtype), ("pad", "u4")])
    records["value"] = array
    return records["value"]


LAYOUTS = {
    "C": c_contiguous,
    "F": f_contiguous,
    "step 2": every_second,
    "negative step": reversed_order,
    "transposed": transposed,
    "block": block,
    "unaligned": unaligned,
    "byte-swapped": byte_swapped,
    "read-only": read_only,
    "field": in_a_record,
}
WRITEABLE = {name: layout for name, layout in LAYOUTS.items() if layout is not read_only}
