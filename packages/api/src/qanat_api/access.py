"""Who may do what: callers with roles, rules for roles, actions and processes; pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import lru_cache

from qanat_api.settings import AccessRule, AccessSettings, Action
from qanat_common.errors import Forbidden, QanatError, Unauthorized
from qanat_common.jobs import JobSummary

USER, ANONYMOUS = "user", "anonymous"
"""The role that everybody has who shows who it is, and that of everybody else."""

REMEMBERED = 10_000
"""How many answers of the rules are kept."""


@dataclass(frozen=True)
class Caller:
    """Who asks: `name` owns the jobs it sends; None is nobody in particular, asking from `address`."""

    name: str | None
    roles: frozenset[str]
    address: str = ""

    @property
    def known(self) -> bool:
        """Whether it has shown who it is."""
        return self.name is not None


def anonymous(address: str = "") -> Caller:
    """Who shows nothing."""
    return Caller(None, frozenset({ANONYMOUS}), address)


DEFAULT_RULES = (
    AccessRule(roles=[USER], actions=["see", "run", "upload"]),
    AccessRule(roles=["admin"], actions=["see", "run", "upload", "manage"]),
)
"""What holds when the settings have no rules."""


class Policy:
    """The rules: an action is allowed when one of them allows it."""

    def __init__(self, settings: AccessSettings, schemes: Sequence[str]) -> None:
        """`schemes` are the challenges for who is to show who it is (WWW-Authenticate)."""
        self._rules = settings.rules or list(DEFAULT_RULES)
        self.challenge = ", ".join(schemes)
        self._allows = lru_cache(REMEMBERED)(self._decide)

    def allows(self, caller: Caller, action: Action, process_id: str | None = None) -> bool:
        """Whether a caller may; without a process: whether it may for any."""
        return self._allows(caller.roles, action, process_id)

    def _decide(self, roles: frozenset[str], action: Action, process_id: str | None) -> bool:
        return any(
            action in rule.actions
            and not roles.isdisjoint(rule.roles)
            and (process_id is None or _named(process_id, rule.processes))
            for rule in self._rules
        )

    def require(self, caller: Caller, action: Action, process_id: str | None = None) -> None:
        """Raises Unauthorized or Forbidden."""
        if not self.allows(caller, action, process_id):
            raise self.refusal(caller, f"You may not {WORDS[action]}.")

    def refusal(self, caller: Caller, words: str) -> QanatError:
        """How something is refused: who is not known may come again and say who it is."""
        if caller.known:
            return Forbidden(words)
        return Unauthorized("Please show who you are.", challenge=self.challenge)

    def owns(self, caller: Caller, job: JobSummary) -> bool:
        """Whether a job is a caller's to see. What nobody owns, whoever may run without a name sees."""
        return self.owns_of(caller, job.owner)

    def owns_of(self, caller: Caller, owner: str | None) -> bool:
        """Whether what belongs to an owner is a caller's to see."""
        if self.allows(caller, "manage"):
            return True
        if owner is None:
            return self.allows(anonymous(), "run")
        return owner == caller.name


WORDS: dict[Action, str] = {
    "see": "see this",
    "run": "run this process",
    "upload": "upload files",
    "manage": "do this to jobs of others",
}


def _named(process_id: str, patterns: Sequence[str]) -> bool:
    """Whether a pattern names a process; one without a service names it at every service."""
    plain = process_id.partition("@")[0]
    return any(
        fnmatchcase(process_id if "@" in pattern else plain, pattern) for pattern in patterns
    )
