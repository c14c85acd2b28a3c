"""Checks that every promise of docs/promises.md names tests, and that each of them is in the tree:
a function of that name, marked as a test, in a file under version control."""
import pathlib
import re
import subprocess
import sys

PAGE = pathlib.Path("docs/promises.md")
PROMISES = 9
NAMED = re.compile(r"`([\w./-]+\.rs)::(\w+)`")
# A test is marked within a few lines above its function: #[test], #[tokio::test(…)], and other attributes.
TEST = re.compile(r"#\[(?:\w+::)*test\b[^\]]*\]\s*(?:(?:#\[[^\n]*\]|//[^\n]*)\s*)*(?:async\s+)?fn\s+(\w+)")


def tests_of(name, known):
    if name not in known:
        text = pathlib.Path(name).read_text(encoding="utf-8")
        known[name] = set(TEST.findall(text))
    return known[name]


def main():
    files = set(subprocess.run(["git", "ls-files", "*.rs"], check=True, capture_output=True, text=True).stdout.split())
    sections = re.split(r"(?m)^## (?=\d+\. )", PAGE.read_text(encoding="utf-8"))[1:]
    wrong, named, known = [], 0, {}
    if len(sections) != PROMISES:
        wrong.append(f"{PAGE} has {len(sections)} promises, not {PROMISES}")
    for section in sections:
        title = section.splitlines()[0]
        tests = NAMED.findall(section)
        if not tests:
            wrong.append(f"{PAGE}: {title!r} names no test")
        for file, test in tests:
            named += 1
            if file not in files:
                wrong.append(f"{PAGE}: {title!r} names {file}, which is not there")
            elif test not in tests_of(file, known):
                wrong.append(f"{PAGE}: {title!r} names {test}, which is no test of {file}")
    print("\n".join(wrong) or f"{named} tests behind {len(sections)} promises are there")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
