"""A project whose changes of flags somebody has to approve."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from tests.support.sandbox import Sandbox


@contextmanager
def policy_for(sandbox: Sandbox, action: str) -> Iterator[None]:
    """Put what a policy gates (``feature_flag.update``) under approval; what waits at the end is taken back."""
    rule = {"action_key": action, "approver_config": {"quorum": 2, "users": [1]}}
    with sandbox.setting(approvals=True):
        policy = sandbox.call("POST", "approval_policies/", rule)["id"]
        try:
            yield
        finally:
            for request in sandbox.items("change_requests"):
                if request["state"] == "pending":
                    sandbox.call("POST", f"change_requests/{request['id']}/cancel/", {})
            sandbox.call("DELETE", f"approval_policies/{policy}/")
