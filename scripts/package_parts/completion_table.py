"""What can stand where on the command line, of the binary's own help: the completions of all shells are made of this."""

from dataclasses import dataclass

import command_tree

# What a value is called in the help says how it is completed.
FILES = ("FILE", "F")


@dataclass
class Option:
    """`--file FILE`: a flag's value is empty. `choices` are the words that its value can be."""

    name: str
    value: str
    text: str

    @property
    def takes_file(self):
        return self.value in FILES

    @property
    def choices(self):
        return self.value.split("|") if "|" in self.value else []


@dataclass
class Place:
    """What can follow a command: `path` is all its words."""

    path: str
    #: (name, text)
    commands: list
    options: list
    takes_file: bool


def read(binary):
    tree = command_tree.read(binary)
    return [_place(command, tree) for command in tree.walk()]


def _place(command, tree):
    options = []
    for name, text in command.options:
        word, _, value = name.partition(" ")
        options.append(Option(word, value, text))
    names = list(command.commands)
    if command.path[-1] == "help":
        names += tree.commands
    return Place(
        " ".join(command.path), names, options, any(name in FILES for name, _ in command.arguments))


def valued(places):
    """The options with a value, each once, by name: files, and those with choices."""
    options = {option.name: option for place in places for option in place.options if option.value}
    files = sorted(name for name, option in options.items() if option.takes_file)
    choices = sorted((name, option.choices) for name, option in options.items() if option.choices)
    return files, choices
