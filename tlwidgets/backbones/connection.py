"""Whether a server can be reached, asked once and briefly."""

from __future__ import annotations

import os
import socket
import urllib.request

HUB = "huggingface.co"
CONNECT_SECONDS = 3.0


def online(host: str) -> bool:
    """Whether a host answers on its HTTPS port within a few seconds, or a proxy stands in for it."""
    if os.environ.get("HF_HUB_OFFLINE") == "1":
        return False
    if urllib.request.getproxies().get("https"):
        return True
    try:
        socket.create_connection((host, 443), timeout=CONNECT_SECONDS).close()
    except OSError:
        return False
    return True
