"""The auditor shares nothing: it uses Python's own library and itself."""
import ast
import sys
import unittest
from pathlib import Path


class Apart(unittest.TestCase):
    def test_what_it_uses_is_its_own_or_pythons(self):
        files = list(Path(__file__).parents[1].rglob("*.py"))
        self.assertLess(10, len(files))
        for file in files:
            for node in ast.walk(ast.parse(file.read_text())):
                named = [alias.name for alias in node.names] if isinstance(node, ast.Import) else \
                    [node.module] if isinstance(node, ast.ImportFrom) and not node.level else []
                for name in named:
                    self.assertIn(name.partition(".")[0], sys.stdlib_module_names | {"auditor"}, file)
                if isinstance(node, ast.ImportFrom):
                    self.assertLessEqual(node.level, 1, file)
