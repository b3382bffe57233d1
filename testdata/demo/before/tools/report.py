"""Prints the warmest and the coldest station of a day."""

import csv
import sys


def main(path):
    with open(path, encoding="utf-8-sig", newline="") as file:
        rows = list(csv.DictReader(file))
    rows.sort(key=lambda row: float(row["temp"]))
    print("coldest:", rows[0]["name"], rows[0]["temp"])
    print("warmest:", rows[-1]["name"], rows[-1]["temp"])


if __name__ == "__main__":
    main(sys.argv[1])
