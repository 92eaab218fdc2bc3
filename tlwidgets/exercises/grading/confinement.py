"""What the grading process takes away from itself before a student's code runs: memory, time, disk and the network."""

from __future__ import annotations

import ctypes
import os
import resource
import signal
import socket
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any, NoReturn

_NEW_USER, _NEW_NETWORK = 0x10000000, 0x40000000  # CLONE_NEWUSER, CLONE_NEWNET of linux/sched.h


class TimeIsUpError(BaseException):
    """A cell took too long. No ``Exception``: ``except Exception`` in a student's loop must not swallow it."""


def confine(memory: int, cpu: int, disk: int) -> None:
    """Set the limits of this process for good.

    Args:
        memory: Megabytes of private memory; an allocation beyond raises ``MemoryError`` where it is made.
        cpu: Seconds of processor time; beyond, the process is ended.
        disk: Megabytes of one file.
    """
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_CPU, (cpu, cpu + 5))
    resource.setrlimit(resource.RLIMIT_FSIZE, (disk * 2**20, disk * 2**20))
    if sys.platform == "linux":
        # Not RLIMIT_AS: the libraries of PyTorch's CUDA build map gigabytes that they never touch.
        resource.setrlimit(resource.RLIMIT_DATA, (memory * 2**20, memory * 2**20))
        leave_the_network()
    refuse_sockets()


def leave_the_network() -> bool:
    """Move this process into a network of its own, which has no way out, where the kernel allows that."""
    unshare = ctypes.CDLL(None, use_errno=True).unshare
    if unshare(_NEW_NETWORK) == 0:
        return True
    user, group = os.getuid(), os.getgid()
    if unshare(_NEW_USER | _NEW_NETWORK) != 0:
        return False
    for name, text in (("setgroups", "deny"), ("uid_map", f"{user} {user} 1"), ("gid_map", f"{group} {group} 1")):
        with open(f"/proc/self/{name}", "w") as file:  # noqa: PTH123 - a file of the kernel, not of the disk
            file.write(text)
    return True


def refuse_sockets() -> None:
    """Let Python's own sockets reach nothing: where the kernel gave no other network, this is what there is."""

    def refuse(*_arguments: Any, **_options: Any) -> NoReturn:
        raise OSError("there is no network while notebooks are graded")

    socket.create_connection = socket.getaddrinfo = refuse
    for name in ("connect", "connect_ex", "sendto", "bind"):
        _guard(name, refuse)


def _guard(name: str, refuse: Any) -> None:
    """Replace one method of sockets by one that serves sockets of this machine's files only."""
    method = getattr(socket.socket, name)

    def guarded(sock: socket.socket, *arguments: Any) -> Any:
        return (method if sock.family == socket.AF_UNIX else refuse)(sock, *arguments)

    setattr(socket.socket, name, guarded)


@contextmanager
def at_most(seconds: float) -> Iterator[None]:
    """Interrupt what stands in the block once its time is up, and again each second until it gives in.

    Raises:
        TimeIsUpError: Inside the block.
    """
    open_ = True

    def ring(_signal: int, _frame: FrameType | None) -> None:
        if open_:
            raise TimeIsUpError

    before = signal.signal(signal.SIGALRM, ring)
    signal.setitimer(signal.ITIMER_REAL, seconds, 1.0)
    try:
        yield
    finally:
        open_ = False
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
