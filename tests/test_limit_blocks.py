"""num_threads blocks: each context sees its own, and none leaves a limit behind."""

import asyncio
import contextlib
import contextvars
import gc
import sys
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from fresh_process import run_python
from hypothesis import given
from hypothesis import strategies as st

import cyrelu
from cyrelu import _testing

pytestmark = pytest.mark.thread_unsafe(reason="changes the limit of the process")

has_openmp = cyrelu.show_config("dicts")["openmp"]["specification"] is not None
needs_openmp = pytest.mark.skipif(not has_openmp, reason="built without OpenMP")

CALLS = {
    "contiguous": "cyrelu.relu(x)",
    "strided": "cyrelu.relu(x[::-1])",
    "ufunc": "cyrelu.relu(x, order='C')",
}
LIMIT = 9  # of the process: what is left when no block holds


def limit():
    return cyrelu.get_num_threads()


def limit_without_gil():
    """What the bare ufuncs and the kernels see on this thread."""
    return _testing.limit_of_thread()


@pytest.fixture(autouse=True)
def nothing_is_left_behind():
    cyrelu.set_num_threads(LIMIT)
    yield
    gc.collect()
    assert limit() == limit_without_gil() == LIMIT
    with cyrelu.num_threads(7):
        assert limit() == limit_without_gil() == 7
    assert limit() == limit_without_gil() == LIMIT
    assert _testing.entered_blocks() == 0
    cyrelu.set_num_threads(None)


def in_a_thread(work):
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(work).result(60)


def suspended(n):
    with cyrelu.num_threads(n):
        yield limit()


class TestTasks:
    def test_tasks_that_take_turns_see_their_own(self):
        async def task(n):
            for _ in range(3):
                with cyrelu.num_threads(n):
                    await asyncio.sleep(0)
                    assert limit() == n
                    with cyrelu.num_threads(n + 1):
                        await asyncio.sleep(0)
                        assert limit() == n + 1
                    await asyncio.sleep(0)
                    assert limit() == n
                await asyncio.sleep(0)
                assert limit() == LIMIT

        async def run():
            await asyncio.gather(*(task(n) for n in (1, 3, 5)))

        asyncio.run(run())

    @needs_openmp
    @pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
    def test_the_calls_follow_it(self, call):
        """Not only what get_num_threads says: a team is started in the right task only."""
        code = f"""
            import asyncio, numpy as np, cyrelu
            from cyrelu import _testing
            _testing.set_stall_policy(pause=0)
            x = np.ones(500_000)
            def helpers():
                return cyrelu.show_config("dicts")["threads"]["helper_threads"]
            async def limited(turns):
                with cyrelu.num_threads(1):
                    for _ in range(turns):
                        {call}
                        await asyncio.sleep(0)
            async def threaded(turns):
                with cyrelu.num_threads(4):
                    for _ in range(turns):
                        await asyncio.sleep(0)
                        if helpers() < 3:
                            {call}
            async def run(*tasks):
                await asyncio.gather(*tasks)
            cyrelu.set_num_threads(1)
            asyncio.run(run(limited(20), threaded(0), limited(10)))
            assert helpers() == 0
            asyncio.run(run(limited(500), threaded(500), limited(500)))
            assert helpers() == 3
        """
        finished = run_python(code)
        assert finished.returncode == 0, finished.stderr

    def test_a_task_that_is_cancelled(self):
        async def task():
            with cyrelu.num_threads(2):
                await asyncio.sleep(60)

        async def run():
            running = asyncio.ensure_future(task())
            await asyncio.sleep(0)
            assert limit() == LIMIT
            running.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await running

        asyncio.run(run())

    def test_a_task_created_inside_a_block(self):
        async def inner(left):
            inside = limit()
            await left.wait()
            return inside, limit()

        async def run():
            left = asyncio.Event()
            with cyrelu.num_threads(2):
                task = asyncio.ensure_future(inner(left))
                await asyncio.sleep(0)
            left.set()
            return await task

        assert asyncio.run(run()) == (2, LIMIT)

    def test_to_thread_has_the_block_and_an_executor_has_not(self):
        async def run():
            with cyrelu.num_threads(2):
                copied = await asyncio.to_thread(limit)
                plain = await asyncio.get_running_loop().run_in_executor(None, limit)
            return copied, plain

        assert asyncio.run(run()) == (2, LIMIT)

    def test_async_generators_closed_by_the_loop(self):
        async def generator():
            with cyrelu.num_threads(2):
                yield limit()
                yield limit()

        async def run():
            suspended = generator()
            return await anext(suspended)  # closed later, in a context of the loop's choice

        assert asyncio.run(run()) == 2


class TestThreads:
    def test_other_threads_do_not_see_it(self):
        with cyrelu.num_threads(2):
            assert in_a_thread(lambda: (limit(), limit_without_gil())) == (LIMIT, LIMIT)

    def test_a_thread_started_inside_follows_the_flag_of_python(self):
        inherits = getattr(sys.flags, "thread_inherit_context", False)
        seen = []
        with cyrelu.num_threads(2):
            thread = threading.Thread(target=lambda: seen.append(limit()))
            thread.start()
            thread.join()
        assert seen == [2 if inherits else LIMIT]

    def test_one_object_in_two_threads(self):
        block = cyrelu.num_threads(2)
        entered, leave = threading.Event(), threading.Event()

        def other():
            with block:
                entered.set()
                assert leave.wait(60)
                inside = limit(), limit_without_gil()
            return inside, limit(), limit_without_gil()

        with ThreadPoolExecutor(1) as pool:
            with block:
                result = pool.submit(other)
                assert entered.wait(60)
            assert limit() == limit_without_gil() == LIMIT
            leave.set()
            assert result.result(60) == ((2, 2), LIMIT, LIMIT)

    def test_entered_in_one_thread_and_left_in_another(self):
        block = cyrelu.num_threads(2)
        block.__enter__()
        assert limit() == limit_without_gil() == 2
        in_a_thread(lambda: block.__exit__(None, None, None))
        assert limit() == limit_without_gil() == LIMIT

    def test_entered_in_a_thread_that_has_ended(self):
        block = cyrelu.num_threads(2)
        in_a_thread(block.__enter__)
        assert limit() == LIMIT
        block.__exit__(None, None, None)

    def test_entered_in_one_context_and_left_in_another(self):
        block, context = cyrelu.num_threads(2), contextvars.copy_context()
        context.run(block.__enter__)
        assert limit() == LIMIT
        assert context.run(limit) == 2
        block.__exit__(None, None, None)
        assert context.run(limit) == LIMIT

    def test_many_threads_with_one_object(self):
        block = cyrelu.num_threads(2)

        def work(_):
            for _ in range(200):
                with block:
                    if limit() != 2:
                        return False
                    with block:
                        pass
                    if limit() != 2:
                        return False
                if limit() != LIMIT:
                    return False
            return True

        with ThreadPoolExecutor(8) as pool:
            assert all(pool.map(work, range(8)))

    def test_a_block_that_was_not_entered(self):
        with pytest.raises(RuntimeError, match=r"^num_threads: this block has not been entered"):
            cyrelu.num_threads(2).__exit__(None, None, None)


class TestGenerators:
    @given(st.permutations(range(4)))
    def test_closed_in_any_order(self, order):
        generators = [suspended(n + 1) for n in range(4)]
        assert [next(each) for each in generators] == [1, 2, 3, 4]
        remaining = list(range(4))
        for k in order:
            generators[k].close()
            remaining.remove(k)
            expected = remaining[-1] + 1 if remaining else LIMIT
            assert limit() == limit_without_gil() == expected

    def test_it_shows_its_limit_to_its_caller(self):
        generator = suspended(2)
        next(generator)
        assert limit() == 2
        generator.close()
        assert limit() == LIMIT

    def test_closed_inside_of_another_block(self):
        generator = suspended(2)
        next(generator)
        with cyrelu.num_threads(3):
            generator.close()
            assert limit() == limit_without_gil() == 3

    def test_closed_by_another_thread(self):
        generator = suspended(2)
        next(generator)
        in_a_thread(generator.close)
        assert limit() == limit_without_gil() == LIMIT

    def test_collected(self):
        generator = suspended(2)
        next(generator)
        del generator
        gc.collect()
        assert limit() == limit_without_gil() == LIMIT

    def test_exceptions_inside(self):
        def fails():
            with cyrelu.num_threads(2), cyrelu.num_threads(3):
                raise LookupError

        with pytest.raises(LookupError):
            fails()
        assert limit() == LIMIT


class TestDecorator:
    def test_a_function(self):
        @cyrelu.num_threads(2)
        def inside(a, *, b):
            """Its docstring."""
            return limit(), a, b

        assert inside(1, b=2) == (2, 1, 2)
        assert inside.__doc__ == "Its docstring."
        assert inside.__name__ == "inside"

    def test_a_function_that_calls_itself(self):
        @cyrelu.num_threads(2)
        def countdown(n):
            return [limit(), *(countdown(n - 1) if n else [])]

        assert countdown(3) == [2] * 4

    def test_a_method(self):
        class Model:
            @cyrelu.num_threads(2)
            def predict(self, x):
                return limit(), x

        assert Model().predict(1) == (2, 1)

    def test_coroutine_functions_that_take_turns(self):
        @cyrelu.num_threads(2)
        async def inside():
            for _ in range(3):
                await asyncio.sleep(0)
                assert limit() == 2
            return limit()

        async def outside():
            for _ in range(3):
                await asyncio.sleep(0)
                assert limit() == LIMIT

        async def run():
            return await asyncio.gather(inside(), outside(), inside())

        assert asyncio.run(run()) == [2, None, 2]

    def test_what_it_cannot_decorate(self):
        def generator():
            yield

        async def asynchronous_generator():
            yield

        for function in (generator, asynchronous_generator):
            with pytest.raises(TypeError, match=r"^num_threads: <function .* yields"):
                cyrelu.num_threads(2)(function)
        for other in (3, dict):
            with pytest.raises(TypeError, match=r"^num_threads: it decorates functions, not"):
                cyrelu.num_threads(2)(other)
