import jax.ffi
from Cython.Build import cythonize
from setuptools import Extension, setup

module = Extension(
    "cyrelu_xla",
    ["cyrelu_xla.pyx"],
    language="c++",
    include_dirs=[jax.ffi.include_dir()],
    extra_compile_args=["-std=c++17"],
)
setup(ext_modules=cythonize([module], language_level=3))
