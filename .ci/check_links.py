"""Checks that every relative link of the Markdown files under version control leads to a file."""
import pathlib
import re
import subprocess
import sys

LINK = re.compile(r"\]\(([^)\s]+)\)")
FENCE = re.compile(r"^```.*?^```", re.MULTILINE | re.DOTALL)


def main():
    files = subprocess.run(["git", "ls-files", "*.md"], check=True, capture_output=True, text=True).stdout.split()
    dead, checked = [], 0
    for name in files:
        text = FENCE.sub("", pathlib.Path(name).read_text(encoding="utf-8"))
        for target in LINK.findall(text):
            path = target.split("#")[0]
            if not path or re.match(r"[a-z]+:", path):
                continue
            checked += 1
            if not (pathlib.Path(name).parent / path).exists():
                dead.append(f"{name}: {target} is not there")
    print("\n".join(dead) or f"{checked} links in {len(files)} files lead somewhere")
    return 1 if dead or not checked else 0


if __name__ == "__main__":
    sys.exit(main())
