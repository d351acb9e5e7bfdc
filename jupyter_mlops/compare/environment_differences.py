"""Where two runs ran: interpreter, packages, commit, seeds, machine."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .findings import EnvironmentDifference
from .wording import format_value

if TYPE_CHECKING:
    from jupyter_mlops.records import Environment, Run


def environment_differences(reference: Run, run: Run) -> tuple[EnvironmentDifference, ...]:
    """What differs between the environments of two runs; empty when either did not keep its own."""
    if reference.environment is None or run.environment is None:
        return ()
    before, after = _facts(reference.environment), _facts(run.environment)
    names = list(dict.fromkeys([*before, *after]))
    return tuple(
        EnvironmentDifference(
            run_id=run.run_id, name=name, reference=before.get(name, ""), value=after.get(name, "")
        )
        for name in names
        if before.get(name, "") != after.get(name, "")
    )


def _facts(environment: Environment) -> dict[str, str]:
    facts: dict[str, str] = {"python": environment.python}
    facts |= {name: str(version) for name, version in sorted(environment.packages.items())}
    git: dict[str, Any] = environment.git
    if git.get("commit"):
        facts["git commit"] = str(git["commit"])[:10]
    if git.get("branch"):
        facts["git branch"] = str(git["branch"])
    if "dirty" in git:
        facts["uncommitted changes"] = "yes" if git["dirty"] else "no"
    facts |= {f"seed {name}": format_value(seed) for name, seed in sorted(environment.seeds.items())}
    facts["platform"] = environment.platform
    facts |= {name: format_value(fact) for name, fact in environment.hardware.items() if name != "memory"}
    facts["directory"] = environment.directory
    if environment.path_additions:
        facts["sys.path"] = ", ".join(environment.path_additions)
    return {name: fact for name, fact in facts.items() if fact}
