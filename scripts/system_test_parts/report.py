"""What a run of scenarios did, saw and measured."""

import time


class Report:
    """Collects checks and figures, and prints them as they come."""

    def __init__(self):
        self.passed = 0
        self.failed: list[str] = []
        self.figures: list[tuple[str, object]] = []
        self._scenario = ""
        self._began = time.monotonic()

    def scenario(self, title: str) -> None:
        """The checks that follow belong to this scenario."""
        self._scenario = title
        print(f"\n== {title}  ({time.monotonic() - self._began:.0f} s)", flush=True)

    def did(self, text: str) -> None:
        """A line on what was done, without a verdict."""
        print(f"   {text}", flush=True)

    def check(self, what: str, holds: object, saw: object = "") -> bool:
        """One thing that must be so; `saw` is what was there in its place, or the evidence."""
        saw = " ".join(str(saw).split())
        line = f"{what}: {saw[:400]}" if saw else what
        if holds:
            self.passed += 1
        else:
            self.failed.append(f"{self._scenario}: {line}")
        print(f"   {'PASS' if holds else 'FAIL'}  {line}", flush=True)
        return bool(holds)

    def figure(self, name: str, value: object) -> None:
        """A measured number for the summary."""
        self.figures.append((name, value))
        print(f"   {name}: {value}", flush=True)

    def broke(self, error: Exception) -> None:
        """A scenario could not go on."""
        self.check("the scenario went through", False, f"{type(error).__name__}: {error}")

    def summary(self) -> int:
        """Prints all of it; returns the exit status."""
        print("\n== figures")
        for name, value in self.figures:
            print(f"   {name}: {value}")
        if self.failed:
            print("\n== failed")
            for line in self.failed:
                print(f"   {line}")
        took = time.monotonic() - self._began
        print(f"\n{self.passed} passed, {len(self.failed)} failed in {took:.0f} s")
        return 1 if self.failed else 0
