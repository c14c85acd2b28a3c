"""Checks the JSON summary of `mass_reset --json`: every planned account is in exactly one of
verified, failed and unknown, over all and for each directory; on the embedded default all
directories took part, nothing fails, nothing is unknown, and the files that it names are there."""
import json
import os
import sys

# The embedded directories, and how many accounts of each are planned at the least.
EMBEDDED = {("corp", "ldap"): 1000, ("cloud", "entra"): 1000, ("org", "okta"): 1000}


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
    took_part = {(d["id"], d["kind"]): d for d in summary["directories"]}
    if set(took_part) != set(EMBEDDED):
        wrong.append(f"{sorted(took_part)} took part, not {sorted(EMBEDDED)}")
    for directory, least in EMBEDDED.items():
        counts = took_part.get(directory, {"planned": 0, "requests": 0})
        if counts["planned"] < least or counts["requests"] == 0:
            wrong.append(f"{directory}: {counts['planned']} planned and {counts['requests']} requests is too little")
    if accounts["seen"] < accounts["planned"]:
        wrong.append(f"{accounts['seen']} seen and {accounts['planned']} planned is not the embedded organisation")
    for directory, counts in took_part.items():
        if counts["failed"] or counts["unknown"]:
            wrong.append(f"{directory}: {counts['failed']} failed and {counts['unknown']} unknown, and it has no faults")
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
