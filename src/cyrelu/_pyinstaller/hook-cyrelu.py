"""What a frozen program needs of cyrelu: all of its modules.

PyInstaller follows the imports of Python modules only. Those of compiled modules are hidden from
it, and the loops are imported by name: on another machine, those of another instruction set.
"""

from importlib.machinery import EXTENSION_SUFFIXES
from pathlib import Path

PACKAGE = Path(__file__).parents[1]
SUFFIXES = (".py", *EXTENSION_SUFFIXES)
LEFT_OUT = {"__main__", "_pyinstaller", "_testing"}

hiddenimports = []
for path in sorted(PACKAGE.rglob("*")):
    *folders, file = path.relative_to(PACKAGE).parts
    names = [*folders, file.partition(".")[0]]
    if file.endswith(SUFFIXES) and names[0] not in LEFT_OUT:
        hiddenimports.append(".".join(["cyrelu", *names]).removesuffix(".__init__"))
