# num_threads blocks. A block belongs to the context that entered it (a ContextVar, as np.errstate
# has): tasks that take turns each see their own. Code without the GIL cannot read a context: for
# bare ufuncs and the kernels, a block's limit is also stored for the OS thread that entered it.
#
# A block that is left is marked. So it holds nowhere any more, in whatever order, context or thread
# blocks are left.

from cpython.object cimport PyObject
from cpython.ref cimport Py_XDECREF

from cyrelu._dispatch.threads cimport (
    NO_BLOCK,
    OVERRIDDEN,
    override_of_thread,
    set_override_of_thread,
    set_stored_limit,
    stored_limit,
)
from cyrelu._platform.atomics cimport add_int, load_int, store_int
from cyrelu._platform.stable_abi cimport get_context_variable

import os
from _thread import RLock, get_ident
from contextvars import ContextVar


cdef class StoredLimit:
    """What an OS thread has stored: the limit of its last block that has not been left."""
    cdef int limit
    cdef list blocks


cdef class Block:
    cdef object owner
    cdef StoredLimit stored
    cdef int limit  # NO_BLOCK once it has been left


cdef object blocks_of_context = ContextVar("num_threads", default=())
cdef dict stored_limits = {}  # by thread, as long as it has blocks
cdef object lock = RLock()  # a collected generator may leave its block while another is entered
if hasattr(os, "register_at_fork"):  # a forked child would wait for a thread that it has not
    os.register_at_fork(
        before=lock.acquire, after_in_parent=lock.release, after_in_child=lock.release
    )
cdef int entered_blocks = 0  # in the process: while there are none, no context is asked


cdef int context_limit() except -1:
    if load_int(&entered_blocks) == 0:
        return NO_BLOCK
    cdef PyObject* found = NULL
    get_context_variable(blocks_of_context, &found)
    blocks = <tuple> found
    Py_XDECREF(found)
    cdef int limit
    cdef Py_ssize_t k
    for k in range(len(blocks) - 1, -1, -1):
        limit = load_int(&(<Block> blocks[k]).limit)
        if limit != NO_BLOCK:
            return limit
    return NO_BLOCK


cdef Py_ssize_t take_over_context_limit() except -1:
    cdef Py_ssize_t before = override_of_thread()
    if load_int(&entered_blocks) != 0 or before != 0:
        set_override_of_thread(OVERRIDDEN + context_limit())
    return before


cdef int put_back(Py_ssize_t before) except -1:
    if override_of_thread() != before:
        set_override_of_thread(before)
    return 0


def enter(list blocks_of_owner, owner, int limit):
    """Enter a block in this context and on this thread."""
    cdef Block block = Block()
    block.owner, block.limit = owner, limit
    with lock:
        block.stored = stored_limit_of_this_thread()
        block.stored.blocks.append(block)
        store_int(&block.stored.limit, limit)
        blocks_of_owner.append(block)
        add_int(&entered_blocks, 1)
        blocks_of_context.set((*not_left(blocks_of_context.get()), block))


def leave(list blocks_of_owner, owner):
    """Leave this context's innermost block of the owner; if it has none, the owner's last."""
    cdef Block block
    with lock:
        own = [each for each in not_left(blocks_of_context.get()) if (<Block> each).owner is owner]
        if not own and not blocks_of_owner:
            raise RuntimeError("num_threads: this block has not been entered")
        block = own[-1] if own else blocks_of_owner[-1]
        store_int(&block.limit, NO_BLOCK)
        blocks_of_owner.remove(block)
        add_int(&entered_blocks, -1)
        forget(block)
        before = blocks_of_context.get()
        after = not_left(before)
        if len(after) < len(before):
            blocks_of_context.set(after)


cdef tuple not_left(tuple blocks):
    return tuple([each for each in blocks if load_int(&(<Block> each).limit) != NO_BLOCK])


cdef StoredLimit stored_limit_of_this_thread():
    cdef StoredLimit stored
    if stored_limit() != NULL:
        return stored_limits[get_ident()]
    stored = StoredLimit()
    stored.blocks = []
    set_stored_limit(&stored.limit)
    stored_limits[get_ident()] = stored
    return stored


cdef int forget(Block block) except -1:
    """Take a block out of what its thread has stored, which may be another one, or have ended."""
    cdef StoredLimit stored = block.stored
    stored.blocks.remove(block)
    store_int(&stored.limit, (<Block> stored.blocks[-1]).limit if stored.blocks else NO_BLOCK)
    if not stored.blocks and stored_limits.get(get_ident()) is stored:
        set_stored_limit(NULL)
        del stored_limits[get_ident()]
    return 0


def get_context_limit():
    return context_limit()
