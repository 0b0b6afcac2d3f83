# /// script
# requires-python = ">=3.11"
# dependencies = ["cyrelu", "dask[array,distributed]"]
# ///
"""dask.distributed: the same calls on an array in chunks, computed by two processes.

An array that is larger than one machine's memory takes the same call: it is lazy, and each worker
computes the chunks that are assigned to it.
"""

import dask.array as da
import numpy as np
from dask.distributed import Client, LocalCluster, wait

import cyrelu


def limit_of_worker() -> int:
    return cyrelu.get_num_threads()


def main() -> None:
    with (
        LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=":0") as cluster,
        Client(cluster) as client,
    ):
        print(f"dashboard: {client.dashboard_link}")
        x = da.random.default_rng(0).standard_normal((4000, 1000), chunks=(500, 1000))
        y = cyrelu.leaky_relu(x, 0.1)
        print(f"lazy: {type(y).__name__} of {y.npartitions} chunks, nothing computed yet")

        y = y.persist()  # in the workers' memory
        wait(y)
        places = client.who_has(y)
        workers = {worker for holders in places.values() for worker in holders}
        print(f"chunks computed: {len(places)}, by {len(workers)} workers")
        limits = client.run(limit_of_worker)
        print(f"threads that cyrelu may use in each worker: {sorted(limits.values())}")

        expected = np.where(x > 0, x, 0.1 * x)
        print(f"as np.where has it: {bool((y == expected).all().compute())}")

        # A layer: each chunk of rows is multiplied, and gets bias and rectifier in one pass.
        random = np.random.default_rng(1)
        weights, bias = random.standard_normal((1000, 200)) / 30, random.standard_normal(200)
        layer = cyrelu.add_relu(x @ weights, bias).persist()
        wait(layer)
        workers = {worker for holders in client.who_has(layer).values() for worker in holders}
        print(
            f"a layer over chunks: {type(layer).__name__} of {layer.shape}, {len(workers)} workers"
        )
        expected = np.maximum(x @ weights + bias, 0)
        print(f"as np.maximum has it: {bool((layer == expected).all().compute())}")


if __name__ == "__main__":  # the workers import this file, too
    main()
