"""Checks the JSON summary of `mass_reset --json`: every planned account is in exactly one of
verified, failed and unknown, over all and for each directory; on the embedded default nothing
fails, and the files that it names are there."""
import json
import os
import sys


def main(path):
    with open(path, encoding="utf-8") as file:
        summary = json.load(file)
    wrong = []
    accounts = summary["accounts"]
    for name, counts in [("accounts", accounts)] + [(d["id"], d) for d in summary["directories"]]:
        settled = counts["verified"] + counts["failed"] + counts["unknown"]
        if counts["planned"] != settled:
            wrong.append(f"{name}: {counts['planned']} planned, but {settled} verified, failed or unknown")
    if accounts["planned"] != sum(d["planned"] for d in summary["directories"]):
        wrong.append("the directories' planned accounts do not add up")
    if accounts["planned"] < 1000 or accounts["seen"] < accounts["planned"]:
        wrong.append(f"{accounts['seen']} seen and {accounts['planned']} planned is not the embedded organisation")
    if accounts["failed"] or accounts["unknown"]:
        wrong.append(f"{accounts['failed']} failed and {accounts['unknown']} unknown on a directory without faults")
    if not accounts["protected"] or not accounts["privileged"]:
        wrong.append("no protected or no privileged account in an organisation that has both")
    if summary["stopped"] is not None:
        wrong.append(f"stopped: {summary['stopped']}")
    for kind, file in summary["files"].items():
        if not os.path.exists(file):
            wrong.append(f"the {kind} file {file} is not there")
    print("\n".join(wrong) or f"the summary of {accounts['planned']} planned accounts adds up")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
