"""Packages that are changed to try an upgrade."""
import os
import subprocess
import tempfile
import unittest

from system_test_parts import leaving

CONTROL = """Package: leave-albumd
Version: 1.2-1
Architecture: all
Maintainer: Nobody <nobody@example.com>
Description: nothing
"""


def package(folder: str) -> str:
    """The smallest one, with a link, a folder and a file that nobody may write."""
    tree = os.path.join(folder, "tree")
    os.makedirs(os.path.join(tree, "DEBIAN"))
    os.makedirs(os.path.join(tree, "usr/share/doc"))
    with open(os.path.join(tree, "DEBIAN/control"), "w") as file:
        file.write(CONTROL)
    with open(os.path.join(tree, "usr/share/doc/page"), "w") as file:
        file.write("text\n")
    os.chmod(os.path.join(tree, "usr/share/doc/page"), 0o444)
    os.symlink("page", os.path.join(tree, "usr/share/doc/link"))
    made = os.path.join(folder, "leave-albumd.deb")
    subprocess.run(["dpkg-deb", "--root-owner-group", "-b", tree, made], check=True, stdout=subprocess.DEVNULL)
    return made


class RepackingTests(unittest.TestCase):
    def test_the_same_package_is_changed_as_often_as_is_wanted(self):
        """By one worker's scenarios and by those of two, in one folder, which may find what the first left."""
        with tempfile.TemporaryDirectory() as folder:
            deb = package(folder)
            first, second = leaving.next_revision(deb, folder), leaving.next_revision(deb, folder)
            self.assertNotEqual(first, second)
            for made in (first, second):
                shown = subprocess.run(
                    ["dpkg-deb", "--field", made, "Version"], capture_output=True, text=True, check=True)
                self.assertEqual(shown.stdout.strip(), "1.2-1+next")


if __name__ == "__main__":
    unittest.main()
