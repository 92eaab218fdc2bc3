"""Put first on PYTHONPATH, this lets a process and its kernels reach this machine only."""

import ipaddress
import socket

_connect, _connect_ex = socket.socket.connect, socket.socket.connect_ex


def _refuse_strangers(sock, address):
    if sock.family in (socket.AF_INET, socket.AF_INET6):
        host = address[0]
        if host not in ("localhost", "") and not ipaddress.ip_address(host).is_loopback:
            raise OSError(f"a lesson tried to reach {host}: lessons use no network")


def _connect_here(sock, address):
    _refuse_strangers(sock, address)
    return _connect(sock, address)


def _connect_ex_here(sock, address):
    _refuse_strangers(sock, address)
    return _connect_ex(sock, address)


def _no_names(host, *arguments, **options):
    if host in (None, "localhost", "127.0.0.1", "::1", ""):
        return _getaddrinfo(host, *arguments, **options)
    raise OSError(f"a lesson tried to look up {host}: lessons use no network")


_getaddrinfo = socket.getaddrinfo
socket.socket.connect = _connect_here
socket.socket.connect_ex = _connect_ex_here
socket.getaddrinfo = _no_names
