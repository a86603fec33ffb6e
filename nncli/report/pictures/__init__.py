"""Pictures from plain arrays: curves, grids of images, points in the plane, animations. Knows of no training.

Every picture is made in memory and then written whole or not at all. matplotlib (extra `plot`) and pillow (extra
`images`) are imported only when something is drawn.
"""
