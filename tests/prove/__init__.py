"""`make prove`: the long part of the proof, and the figures that come out of it.

The judge over many stories, other engines' cases, the simulator over many seeds, and one torture of the real thing.
"""
