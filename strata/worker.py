"""The worker that gunicorn.conf.py names: gunicorn's threads, with an end to waiting for a client, and a clean stop."""

from __future__ import annotations

import socket
import struct

from gunicorn.workers.gthread import ThreadWorker

CLIENT_SECONDS = 10


class Worker(ThreadWorker):
    def init_process(self):
        """Connections inherit this: a client that stops in the middle holds a thread for so long, and no longer."""
        for listener in self.sockets:
            for wait in (socket.SO_RCVTIMEO, socket.SO_SNDTIMEO):
                listener.setsockopt(socket.SOL_SOCKET, wait, struct.pack("ll", CLIENT_SECONDS, 0))
        super().init_process()

    def is_parent_alive(self):
        """Without its master a worker ends as it does when it is told to: the next master wants its port."""
        if super().is_parent_alive():
            return True
        self.alive = False
        return False

    def set_accept_enabled(self, enabled):
        """At its end a worker takes what waits at the door and shuts it at once.

        gunicorn leaves it open until the last request has ended: who comes meanwhile is let in and never answered.
        """
        super().set_accept_enabled(enabled)
        if self.alive or enabled:
            return
        for listener in self.sockets:
            while listener.sock and self.took_one(listener):
                pass
            listener.close()

    def took_one(self, listener) -> bool:
        before = self.nr_conns
        self.accept(listener)
        return self.nr_conns > before
