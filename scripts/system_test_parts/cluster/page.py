"""What docs/cluster.md tells an operator to do, as text that can be run: the containers are set up by it."""
import re
import textwrap

from testbed.programs import ROOT

PAGE = ROOT / "docs/cluster.md"


def section(title: str) -> str:
    """The text below a heading of the page, to the next one of any level."""
    found = re.search(rf"^## {re.escape(title)}\n(.*?)(?=^## |\Z)", PAGE.read_text(), re.MULTILINE | re.DOTALL)
    if not found:
        raise LookupError(f"{PAGE.name} has no section {title!r}")
    return found.group(1)


def blocks(text: str) -> list[str]:
    """The indented blocks of a text, each without its indentation."""
    found = re.findall(r"(?:^ {4}.*\n(?:\n(?= {4}))?)+", text, re.MULTILINE)
    return [textwrap.dedent(block) for block in found]


class Instructions:
    """The page's blocks by what they are for."""

    def __init__(self) -> None:
        #: As the database's administrator; on each host into the settings; once; on each host.
        self.database, self.settings, self.declare, self.start = blocks(section("Install"))
        #: Lines of pg_hba.conf.
        self.log_in = blocks(section("Log in"))[0]
