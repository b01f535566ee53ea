from setuptools import Extension, setup

setup(ext_modules=[Extension("confluence._merge", ["src/confluence/_merge.c"])])
