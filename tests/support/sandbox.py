"""The sandbox as the product's tests start it; how that is done is the sandbox's own matter."""

from sandbox.tests.forks import FORKS, forked, imported_before
from sandbox.tests.running import NEWER, REPOSITORY, Sandbox, running_sandbox

__all__ = ["FORKS", "NEWER", "REPOSITORY", "Sandbox", "forked", "imported_before", "running_sandbox"]
