"""Worlds to transfer between: seeded code that draws images, with a knob for the shift; nothing is stored.

Each but ``pairs`` has a source domain and one or more targets, and the option ``shift``, from 0 (the target looks like
the source) to 1. Worlds made from the scanned digits give the source one half of the scans and the target the other, so
that no scan is seen in both.
"""
