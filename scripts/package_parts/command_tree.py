"""The command line as the binary's own `help` says it: manual and completion are made of this, so they cannot drift."""

import re
import subprocess
from dataclasses import dataclass, field


@dataclass
class Command:
    """One command: `path` from the program's name down; entries are (name with its value, text)."""

    path: list
    summary: str
    usage: str
    discussion: str = ""
    commands: list = field(default_factory=list)
    arguments: list = field(default_factory=list)
    options: list = field(default_factory=list)
    children: list = field(default_factory=list)

    def walk(self):
        yield self
        for child in self.children:
            yield from child.walk()


def read(binary):
    """The whole tree of `binary`. A help text of another shape is an error, never a page with holes."""
    return _read(binary, ["leave-albumd"])


def _read(binary, path):
    done = subprocess.run([binary, "help", *path[1:]], capture_output=True, text=True, check=True)
    command = parse(done.stdout, path)
    command.children = [_read(binary, [*path, name]) for name, _ in command.commands]
    return command


def parse(text, path):
    blocks = text.rstrip("\n").split("\n\n")
    if len(blocks) < 3 or not blocks[1].startswith("usage: "):
        raise ValueError(f"help of {' '.join(path)}: not a summary, a usage and sections")
    command = Command(path, blocks[0].removesuffix("."), blocks[1].removeprefix("usage: "))
    for block in blocks[2:]:
        title, *lines = block.split("\n")
        if title in ("commands:", "arguments:", "options:"):
            setattr(command, title[:-1], _entries(lines, path))
        else:
            command.discussion = " ".join([command.discussion, *block.split("\n")]).strip()
    if not command.options:
        raise ValueError(f"help of {' '.join(path)}: no options, not even --help")
    return command


def _entries(lines, path):
    entries = []
    for line in lines:
        # A name begins in the third column; its text stands behind two spaces or more, or on the lines below.
        named = re.match(r"  (\S.*?)(?:\s{2,}(.*))?$", line)
        if named and not line.startswith("   "):
            entries.append((named[1], named[2] or ""))
        elif entries and line.startswith("    "):
            name, text = entries[-1]
            entries[-1] = (name, f"{text} {line.strip()}".strip())
        else:
            raise ValueError(f"help of {' '.join(path)}: cannot read {line!r}")
    return entries
