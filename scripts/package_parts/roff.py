"""Text as groff's man macros want it."""

import datetime
import os
import re


def escaped(text):
    """Body text: no character of it is an instruction."""
    text = text.replace("\\", "\\e").replace("-", "\\-").replace("'", "\\(aq").replace("`", "\\(ga")
    text = text.replace("^", "\\(ha").replace("~", "\\(ti").replace("…", "...")
    # What is longer than a line may be broken where a reader would break it; else groff warns.
    text = re.sub(r"\S{50,}", lambda word: re.sub(r"([/,|])(?=\S)", r"\1\\:", word[0]), text)
    return "\n".join("\\&" + line if line.startswith((".", "\\(aq")) else line for line in text.split("\n"))


def prose(text):
    """As `escaped`, with what stands between backquotes in bold."""
    parts = re.split(r"`([^`]+)`", text)
    return "".join(f"\\fB{escaped(part)}\\fR" if n % 2 else escaped(part) for n, part in enumerate(parts))


def bold(text):
    return f"\\fB{escaped(text)}\\fR"


def quoted(text):
    """An argument of a macro."""
    return '"' + escaped(text).replace('"', "\\(dq") + '"'


def title(name, section, version):
    """The date is the package's, so that the same sources give the same page."""
    seconds = int(os.environ.get("SOURCE_DATE_EPOCH", "0"))
    date = datetime.datetime.fromtimestamp(seconds, datetime.timezone.utc).strftime("%Y-%m-%d")
    return [
        ".\\\" Made by scripts/package; changes belong into what it is made of.",
        f'.TH {quoted(name)} {section} {date} {quoted("leave-albumd " + version)}',
        ".nh",
        ".ad l",
    ]
