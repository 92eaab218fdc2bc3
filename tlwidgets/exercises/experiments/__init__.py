"""The measurements behind the lessons' claims, importable by notebooks and tests alike.

This package, unlike the rest of :mod:`tlwidgets.exercises`, uses the engine and so imports torch.
"""
