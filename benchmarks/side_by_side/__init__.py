"""Contenders that train the same network on the same pictures, each in a process of its own, one at a time."""
