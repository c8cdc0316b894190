"""The topology on a broker of the release: made, compared, exported and imported, with users of least permission."""
import json

from testbed.waiting import eventually

from .cell import Failed
from .site import LONGEST, Site
from .stage import Stage

#: More looks at a dead letter than any limit of a broker allows deliveries.
LOOKS = 25


def trial(stage: Stage) -> str:
    site = Site(stage)
    try:
        return _compare(site)
    finally:
        site.end()


def _compare(site: Site) -> str:
    daemon, major = site.daemon, site.node.version().split(".")[0]
    seen = [site.node.version()]
    daemon.order("topology", "declare")
    daemon.order("topology", "declare")
    site.stage.note(daemon.order("topology", "verify"))
    daemon.order("topology", "delete", "--confirm", site.prefix)

    # As its operator makes it: exported, imported, passwords given.
    exported = daemon.order("topology", "export", "--rabbitmq", "4" if int(major) >= 4 else "3")
    (site.node.directory / "definitions.json").write_text(exported)
    site.node.control("import_definitions", str(site.node.directory / "definitions.json"))
    # The management interface shows a queue and its policy some seconds later.
    site.verified()
    seen.append("export imported")
    site.stage.note(site.daemon.order("topology", "verify", "--management", site.management))
    site.stage.note(daemon.order("check", "--live", "--management", site.management))
    daemon.order("topology", "declare")

    # Dead letters outlast being looked at.
    daemon.start("--new-ledger")
    site.submit("letter", ["nobody"] * 3)
    eventually("three dead letters", lambda: site.depths()["dead"] == 3, LONGEST)
    for look in range(LOOKS):
        said = daemon.order("dead", "list", "--json")
        if said.count('"reason"') != 3:
            raise Failed(f"look {look + 1} at three dead letters shows {said}")
    if daemon.stop() != 0 or site.depths()["dead"] != 3:
        raise Failed(f"after {LOOKS} looks {site.depths()}")
    seen.append(f"{LOOKS} looks at dead letters")

    # What a policy of the site's takes away is named.
    for key, value in (("overflow", "drop-head"), ("message-ttl", 60_000), ("delivery-limit", 3)):
        site.node.control("set_policy", "of-the-site", f"^{site.prefix}\\.jobs$", json.dumps({key: value}),
                          "--priority", "9", "--apply-to", "queues")
        eventually(f"a policy {key} is named", lambda: key in site.verify()[1] and site.verify()[0] == 1, LONGEST)
    site.node.control("clear_policy", "of-the-site")
    site.verified()
    seen.append("3 policies named")
    return ", ".join(seen)
