"""Layers, one file each; the file's name is the layer's name in YAML. One is imported when first asked for."""

from nncli import registry

registry.layer.find(__name__, __path__)
