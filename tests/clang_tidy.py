#!/usr/bin/env python3
"""Runs clang-tidy over the product's sources, in parallel, and only where something changed.

    tests/clang_tidy.py BUILD_DIR [PATH...]

BUILD_DIR holds compile_commands.json. A file that passed is remembered under BUILD_DIR/clang-tidy
with the hash of everything its result hangs on: its command, our files that it includes,
.clang-tidy and clang-tidy itself. Prints the findings, then `N passed, M failed`; exits 1 if any.
"""

import concurrent.futures
import hashlib
import json
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PRODUCT = ("core", "sbc", "loadgen")


def sha(*parts):
    digest = hashlib.sha256()
    for part in parts:
        digest.update(part if isinstance(part, bytes) else str(part).encode())
        digest.update(b"\0")
    return digest.hexdigest()


def compile_arguments(entry):
    """The file's command without launcher, output and dependency files, for clang++ to repeat."""
    arguments = shlex.split(entry["command"])
    while arguments and Path(arguments[0]).name in ("ccache", "sccache"):
        arguments.pop(0)
    kept, skip = [], True  # The first is the compiler.
    for argument in arguments:
        if not skip and argument not in ("-c", "-MD", "-MMD", entry["file"]):
            if argument in ("-o", "-MT", "-MF"):
                skip = True
                continue
            kept.append(argument)
        skip = False
    return kept


def dependencies(entry, arguments):
    """Our own files that this one includes, itself among them."""
    run = subprocess.run(["clang++", *arguments, "-w", "-MM", entry["file"]],
                         cwd=entry["directory"], capture_output=True, text=True, check=False)
    names = run.stdout.replace("\\\n", " ").split(":", 1)[-1].split()
    paths = {Path(entry["directory"], name).resolve() for name in [entry["file"], *names]}
    return sorted(str(path) for path in paths if path.is_relative_to(ROOT))


def fingerprint(entry, arguments, files, tool):
    try:
        return sha(tool, " ".join(arguments), entry["file"],
                   *(part for file in files for part in (file, Path(file).read_bytes())))
    except OSError:
        return None  # A file it included is gone: look again.


def check(entry, cache, tool):
    """None when the file is clean, else what clang-tidy printed."""
    arguments = compile_arguments(entry)
    memory = cache / (sha(entry["file"])[:20] + ".json")
    if memory.exists():
        past = json.loads(memory.read_text("utf-8"))
        if past["passed"] == fingerprint(entry, arguments, past["files"], tool):
            return None
    run = subprocess.run(["clang-tidy", "--quiet", entry["file"], "--", *arguments, "-w"],
                         cwd=entry["directory"], capture_output=True, text=True, check=False)
    if run.returncode != 0:
        return run.stdout + ("" if run.stdout.strip() else run.stderr)
    files = dependencies(entry, arguments)
    memory.write_text(json.dumps(
        {"files": files, "passed": fingerprint(entry, arguments, files, tool)}), "utf-8")
    return None


def main():
    build = Path(sys.argv[1]).resolve()
    wanted = [str(Path(path).resolve()) for path in sys.argv[2:]]
    entries = []
    for entry in json.loads((build / "compile_commands.json").read_text("utf-8")):
        file = Path(entry["file"])
        if not file.is_relative_to(ROOT) or file.relative_to(ROOT).parts[0] not in PRODUCT:
            continue
        if not wanted or any(str(file).startswith(path) for path in wanted):
            entries.append(entry)
    cache = build / "clang-tidy"
    cache.mkdir(exist_ok=True)
    version = subprocess.run(["clang-tidy", "--version"], capture_output=True, check=True).stdout
    tool = sha(version, (ROOT / ".clang-tidy").read_bytes(), Path(__file__).read_bytes())
    failed = 0
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        for entry, found in zip(entries, pool.map(lambda e: check(e, cache, tool), entries)):
            if found is not None:
                failed += 1
                print(f"{Path(entry['file']).relative_to(ROOT)}:")
                print(re.sub(rf"{re.escape(str(ROOT))}/", "", found).strip(), flush=True)
    print(f"{len(entries) - failed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
