from Cython.Build import cythonize
from setuptools import Extension, setup

module = Extension("cyrelu_payoff", ["cyrelu_payoff.pyx"])
setup(ext_modules=cythonize([module], language_level=3))
