"""The experiments that come with the lab, as they can be started from the page."""

from __future__ import annotations

from dataclasses import dataclass

from lab.sweep.experiment import find_experiment, load_experiment


@dataclass(frozen=True, slots=True)
class Shipped:
    """One of them."""

    name: str
    description: str
    topology: str
    """The name of the one that it needs."""
    points: int
    calls: int
    """Valid calls wanted at each point."""

    @property
    def sentence(self) -> str:
        """What it is and how much."""
        points = f"{self.points} points" if self.points != 1 else "one point"
        return (
            f"{self.description} {points.capitalize()}, {self.calls} valid calls wanted at each, "
            f"topology {self.topology}."
        )


def shipped(name: str, quick: bool) -> Shipped:
    """One of them, or its short version; LabError where it cannot be used."""
    experiment = load_experiment(find_experiment(name), quick)
    return Shipped(
        name=name,
        description=experiment.description,
        topology=experiment.topology.stem,
        points=len(experiment.points),
        calls=experiment.calls,
    )
