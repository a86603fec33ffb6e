"""Responses to divergence, one file each; the file's name is the name in YAML. Importing this package registers them
all."""

from importlib import import_module
from pkgutil import iter_modules

for _module in iter_modules(__path__, __name__ + "."):
    import_module(_module.name)
