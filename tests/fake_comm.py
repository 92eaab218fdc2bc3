"""A channel to a page that is not there: what a widget sends is kept, and a test plays the page."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import comm


@dataclass
class Message:
    """One message to the page."""

    kind: str
    content: dict[str, Any]
    buffers: list[bytes]


class FakeComm(comm.base_comm.BaseComm):
    """Keeps what is sent; ``receive`` plays the page."""

    def publish_msg(
        self, msg_type: str, data: Any = None, metadata: Any = None, buffers: Any = None, **keys: Any
    ) -> None:
        del metadata, keys
        self.__dict__.setdefault("messages", [])
        method = (data or {}).get("method", msg_type)
        content = (data or {}).get("content") or (data or {}).get("state") or {}
        self.messages.append(Message(method, content, [bytes(buffer) for buffer in buffers or []]))

    def custom(self, kind: str | None = None) -> list[Message]:
        """Messages of our own protocol, in the order sent."""
        ours = [message for message in list(self.messages) if message.kind == "custom"]
        return [message for message in ours if kind is None or message.content["t"] == kind]
