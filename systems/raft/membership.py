"""Membership changes, one server at a time (Ongaro's thesis, sections 4.1 to 4.4).

An administrator asks the leader to add or remove a server, and is answered when the configuration that
does so is committed. A server is added only when it has caught up: else it would count for majorities
long before it can acknowledge anything. A change waits for no other: while one is under way, or
before it is safe, the next one is refused, and the refusal is definite.

A leader changes nothing before an entry of its own term is committed. The thesis lacks this rule; its
author published it in 2015 (raft-dev, "bug in single-server membership changes"). Without it two
leaders may each derive a configuration from an old one, so that the two differ by two servers and
their majorities share none.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..machine import MALFORMED_REQUEST, PRECONDITION_FAILED, TEMPORARILY_UNAVAILABLE, error_body
from .configuration import configuration_command
from .leadership import Change, Newcomer, Request
from .replication import Replication

if TYPE_CHECKING:
    from ..contract import Body
    from .leadership import Leadership

ADD, REMOVE = "add_server", "remove_server"

CATCH_UP_ROUNDS = 10
"""Rounds within which a new server must catch up (thesis 4.2.1)."""


class Membership(Replication):
    """The rules of membership changes."""

    # Requests.

    def on_change_request(self, client: str, msg_id: int, body: Body) -> None:
        """Begin a change, answer it if it is done, or refuse it (thesis 4.1)."""
        led, server = self.leadership, body.get("server")
        request = Request(client, msg_id, body["type"])
        if led is None:
            self.refuse(client, msg_id)
        elif not isinstance(server, str):
            self.refuse_change(request, MALFORMED_REQUEST, f"{request.type} needs the name of a server")
        elif self.is_change_under_way(led):
            if request not in (led.newcomer and led.newcomer.request, led.change and led.change.request):
                self.refuse_change(request, TEMPORARILY_UNAVAILABLE, "another change is under way")
        elif not self.may_change_configuration(led):
            self.refuse_change(request, TEMPORARILY_UNAVAILABLE, "this leader has committed nothing yet")
        elif (server in self.configuration.members) == (request.type == ADD):
            self.confirm_change(request)
        elif request.type == ADD:
            self.add_server(led, request, server)
        else:
            self.remove_server(led, request, server)

    def is_change_under_way(self, led: Leadership) -> bool:
        """Allow one change at a time: none while one is uncommitted (thesis 4.1)."""
        return led.newcomer is not None or self.configuration.index > self.commit_index

    def may_change_configuration(self, led: Leadership) -> bool:
        """Change nothing before an entry of the leader's own term is committed (Ongaro 2015)."""
        return self.commit_index >= led.start

    def add_server(self, led: Leadership, request: Request, server: str) -> None:
        """Begin to catch a new server up; it doesn't count yet (thesis 4.2.1)."""
        if server not in self.peers:
            self.refuse_change(request, PRECONDITION_FAILED, f"there is no server {server!r}")
            return
        led.newcomer = Newcomer(server, request, self.log.last_index, self.now)
        self.follow_members(led)

    def remove_server(self, led: Leadership, request: Request, server: str) -> None:
        """Append a configuration without the server (thesis 4.1)."""
        left = tuple(member for member in self.configuration.members if member != server)
        if left:
            self.append_configuration(led, request, left)
        else:
            self.refuse_change(request, PRECONDITION_FAILED, f"{server} is the last server")

    def append_configuration(self, led: Leadership, request: Request, members: tuple[str, ...]) -> None:
        """Append the new configuration as an entry, and use it from now on (thesis 4.1)."""
        index = self.log.append(self.term, configuration_command(members))
        led.change = Change(index, request)
        self.adopt_configuration()
        self.schedule_flush()

    # Catching up.

    def on_appended(self, follower: str, body: Body) -> None:
        """See whether the answer ends a round of a new server's."""
        super().on_appended(follower, body)
        led = self.leadership
        if led is not None and led.newcomer is not None and led.newcomer.server == follower:
            self.catch_up(led, led.newcomer)

    def catch_up(self, led: Leadership, newcomer: Newcomer) -> None:
        """End a round when its entries are replicated: add the server, or begin another (thesis 4.2.1)."""
        if led.followers[newcomer.server].match < newcomer.target:
            return
        if self.has_caught_up(newcomer):
            led.newcomer = None
            members = (*self.configuration.members, newcomer.server)
            self.append_configuration(led, newcomer.request, members)
        elif newcomer.round >= CATCH_UP_ROUNDS:
            self.give_up(led, newcomer)
        else:
            led.newcomer = Newcomer(
                newcomer.server, newcomer.request, self.log.last_index, self.now, newcomer.round + 1
            )

    def has_caught_up(self, newcomer: Newcomer) -> bool:
        """Add a server only after a round shorter than an election timeout (thesis 4.2.1)."""
        return self.now - newcomer.began < self.limits.election_minimum

    def give_up(self, led: Leadership, newcomer: Newcomer) -> None:
        """Abort the addition of a server that is too slow, or silent (thesis 4.2.1)."""
        led.newcomer = None
        self.follow_members(led)
        text = f"{newcomer.server} did not catch up"
        self.refuse_change(newcomer.request, TEMPORARILY_UNAVAILABLE, text)

    # The end.

    def settle_change(self) -> None:
        """Answer a change that is committed; a leader that was removed steps down then (thesis 4.2.2)."""
        led = self.leadership
        if led is None:
            return
        if led.newcomer is not None:
            silence = self.now - led.followers[led.newcomer.server].heard
            if silence > 2 * self.limits.election_maximum:
                self.give_up(led, led.newcomer)
        if led.change is not None and led.change.at <= self.commit_index:
            self.confirm_change(led.change.request)
            led.change = None
        if self.was_removed():
            self.become_follower(None)

    def confirm_change(self, request: Request) -> None:
        """Tell the administrator that the cluster is as asked for."""
        self.reply(request.client, request.msg_id, {"type": f"{request.type}_ok"})

    def refuse_change(self, request: Request, code: int, text: str) -> None:
        """Tell the administrator that nothing was, or will be, changed."""
        self.reply(request.client, request.msg_id, error_body(code, text))
