"""Processes that must not outlive the one that started them."""

from __future__ import annotations

import os
import threading
import time

WATCH_SECONDS = 0.5


def end_with_parent(parent: int) -> None:
    """End this process soon after its parent: killed with -9 that cannot do it, and it would wait for ever."""

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(WATCH_SECONDS)
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()
