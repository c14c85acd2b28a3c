"""Checks the licence of every crate in the lock file against the list in deny.toml.

    cargo metadata --locked --all-features --format-version 1 | check_licences.py deny.toml

`cargo deny` looks into licence files as well and is the better judge; this one is always there.
"""
import json
import re
import sys
import tomllib


def main(path):
    with open(path, "rb") as file:
        licences = tomllib.load(file)["licenses"]
    exceptions = {entry["crate"]: entry["allow"] for entry in licences.get("exceptions", [])}
    packages = json.load(sys.stdin)["packages"]
    wrong = []
    for package in packages:
        expression = package["license"]
        allowed = set(licences["allow"]) | set(exceptions.get(package["name"], []))
        if not expression or not fits(expression, allowed):
            wrong.append(f"{package['name']} {package['version']}: {expression or 'no licence is named'}")
    print("\n".join(wrong) or f"the licences of {len(packages)} crates are on the list of {path}")
    return 1 if wrong or len(packages) < 50 else 0


def fits(expression, allowed):
    """Whether an SPDX expression can be satisfied with what is allowed. `MIT/Apache-2.0` is an old way to say OR."""
    tokens = re.findall(r"\(|\)|[^\s()]+", expression.replace("/", " OR "))

    def either():
        value = both()
        while tokens and tokens[0] == "OR":
            tokens.pop(0)
            other = both()
            value = value or other
        return value

    def both():
        value = one()
        while tokens and tokens[0] == "AND":
            tokens.pop(0)
            other = one()
            value = value and other
        return value

    def one():
        token = tokens.pop(0)
        if token == "(":
            value = either()
            tokens.pop(0)
            return value
        if tokens and tokens[0] == "WITH":
            tokens.pop(0)
            token = f"{token} WITH {tokens.pop(0)}"
        return token in allowed

    return either() and not tokens


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
