#!/usr/bin/env python3
"""Checks of the source that a script can make: who may include whom, what is banned where, sizes.

    tests/tidy.py [ROOT]      prints `file:line: what is wrong: what to do instead`, exits 1 if any

It reads text, not C++: comments and literals are blanked first, and functions are found by their
braces. A new folder needs a line in MAY_INCLUDE (or OTHER_FOLDERS); a file or function that is
honestly larger than the limit needs a line in LARGER, with its reason.
"""

import re
import sys
from pathlib import Path

# A folder includes itself, the folders named here, and what those may. Dependencies point one way.
MAY_INCLUDE = {
    "core/base": [],
    "core/time": ["core/base"],
    "core/buffer": ["core/base"],
    "core/sip": ["core/buffer", "core/time"],
    "core/sdp": ["core/buffer"],
    "core/rtp": ["core/buffer", "core/time"],
    "core/net": ["core/buffer", "core/time"],
    "core/transport": ["core/net", "core/sip"],
    "core/engine": ["core/transport"],
    "core/config": ["core/base"],
    "sbc": ["core/engine", "core/config", "core/sdp", "core/rtp", "sbc/control", "sbc/media"],
    "sbc/control": ["core/engine", "core/config", "core/sdp", "core/rtp", "sbc", "sbc/media"],
    "sbc/media": ["core/engine", "core/config", "core/sdp", "core/rtp", "sbc"],
    "loadgen": ["core/engine", "core/config", "core/sdp", "core/rtp", "loadgen/media"],
    "loadgen/media": ["core/engine", "core/config", "core/sdp", "core/rtp", "loadgen"],
}

# Folders with sources of ours that may include anything.
OTHER_FOLDERS = ["tests", "bench", "deploy"]

# Namespaces are folders, but for the vocabulary that everything shares.
NAMESPACES = {"core/base": "core", "core/time": "core", "core/buffer": "core",
              "sbc/control": "sbc", "sbc/media": "sbc", "loadgen/media": "loadgen"}

# Somebody else's header, the folders that stand between it and the rest of us.
THIRD_PARTY = [
    (r"yaml-cpp/", ["core/config"]),
    (r"liburing|rte_", ["core/net"]),
    (r"ares", ["core/transport"]),
    (r"openssl/", ["core/sip", "core/net"]),
    (r"srtp2/", ["core/rtp"]),
    (r"pugixml", ["loadgen"]),
    (r"nlohmann/", ["sbc/control", "loadgen"]),
    (r"httplib\.h|prometheus/", ["sbc/control"]),
    (r"phonenumbers/", ["sbc"]),
]

# Pattern, where it may stand (folders end in /), what it is, what to use instead. Code only:
# comments and literals are blanked.
BANNED = [
    (r"\bstd::(mutex|shared_mutex|recursive_mutex|atomic\w*|thread|jthread|condition_variable\w*"
     r"|lock_guard|unique_lock|scoped_lock|future|promise|async|call_once)\b|\bpthread_\w+",
     ["core/engine/", "sbc/control/", "tests/", "bench/"], "threads and locks",
     "a mailbox (core/engine)"),
    (r"::now\(\)|\bclock_gettime\b|\bgettimeofday\b|\btime\(\s*(nullptr|NULL|0|&)",
     ["core/time/clock.cc", "tests/compile_fail/", "bench/system/"], "asking the time",
     "the Instant you were given"),
    (r"\b(throw|try|catch)\b", ["core/config/yaml.cc"], "exceptions", "ParseError or absl::Status"),
    (r"\brandom_device\b|\bs?rand\(|\bmt19937", [], "chance of its own", "the seeded Random"),
    (r"\bgetrandom\b", ["core/base/random.h"], "the kernel's chance", "Random::FromKernel()"),
    (r"\b(shared_ptr|make_shared|weak_ptr)\b", [], "shared ownership",
     "one owner and a Handle (style section 4)"),
    (r"\bstd::function\b",
     ["tests/", "bench/", "sbc/control/admin_server.cc"],  # cpp-httplib's interface asks for it.
     "std::function",
     "a template parameter, or a function pointer with its owner"),
    (r"\bstd::(basic_)?regex\b", [], "std::regex", "a Cursor"),
    (r"\bregexec\b", ["loadgen/"], "regular expressions", "a Cursor"),
    (r"\b(u|nano)?sleep\s*\(|\bsleep_(for|until)\b|\bclock_nanosleep\b",
     ["core/net/", "bench/system/"],  # The one wait of a turn, and the retry of a bind at start.
     "sleeping", "a timer"),
    (r"^\s*#\s*if\s+(0|false)\b", [], "code that is switched off", "git's history"),
    (r"\bgoto\b", [], "goto", "a function with a return"),
    (r"\busing\s+namespace\b(?!\s+std::(\w+::)*\w*literals\b)", [], "using namespace",
     "the names you need"),
    (r"\bco_(await|yield|return)\b", [], "coroutines", "a state machine (style section 8)"),
    (r"\bdynamic_cast\b|\btypeid\b", [], "asking what an object is", "an enum or a virtual call"),
    (r"^\s*#\s*define\b(?!\s+(CHECK|RETURN_IF_ERROR)\()", ["tests/"], "a macro",
     "a function or a constant"),
    (r"\bassert\s*\(", [], "assert, which release leaves out", "CHECK"),
]

# Comments too.
BANNED_IN_TEXT = [
    (r"\b(TODO|FIXME|XXX|HACK)\b", [], "a note of unfinished work", "the work, or an issue"),
    (r"\t", [], "a tab", "spaces"),
    (r"[ \t]+$", [], "white space at the end of a line", "nothing"),
]

LINES_PER_FILE_MAX, LINES_PER_FUNCTION_MAX, COLUMNS_MAX = 500, 70, 100
# A test carries its table of cases, one a line, and is read from the top: it may be half as long
# again.
TEST_FACTOR = 1.5

# path or path:function -> (lines, why it is honestly larger)
LARGER = {}

INCLUDE = re.compile(r'^[ \t]*#[ \t]*include[ \t]*([<"])([^>"]+)[>"]', re.M)
FILE_NAME = re.compile(r"[a-z0-9_]+\.(h|cc|py)")


def blank(text):
    """The same text with comments and literals turned to spaces, line for line."""
    pattern = re.compile(
        r"""//[^\n]*|/\*.*?\*/"""  # Comments,
        r"""|R"(?P<mark>[^\s()\\]{0,16})\(.*?\)(?P=mark)\""""  # raw strings,
        r"""|"(?:\\.|[^"\\\n])*"|(?<![0-9a-zA-Z_])'(?:\\.|[^'\\\n])+'""",  # not 1'000.
        re.S | re.X)
    return pattern.sub(lambda match: re.sub(r"[^\n]", " ", match.group()), text)


def functions(code):
    """Yields (name, first line, number of lines) of each function body in blanked code.

    Braces after namespace, class, struct, union, enum and extern are looked into; after a head with
    a parameter list they are a function; any other is data.
    """
    code = re.sub(r"^[ \t]*#(?:[^\n]*\\\n)*[^\n]*",  # Directives: a macro's braces are its own.
                  lambda match: re.sub(r"[^\n]", " ", match.group()), code, flags=re.M)
    head_start, position = 0, 0
    while position < len(code):
        character = code[position]
        if character == "{":
            raw = code[head_start:position]
            head = re.sub(r"^\s*template\s*<.*?>(?=\s*[\w\[:(])", "", raw.strip(), flags=re.S)
            end = close_of(code, position)
            if looks_inside(head):
                head_start = position + 1
            elif "(" in head and not re.search(r"=\s*$", head):
                start = head_start + len(raw) - len(raw.lstrip())
                yield (name_of(head), code.count("\n", 0, start) + 1,
                       code.count("\n", start, end) + 1)
                position, head_start = end, end + 1
            else:
                position = end  # Data, or a member's initializer: the head goes on after it.
        elif character in ";}":
            head_start = position + 1
        position += 1


def name_of(head):
    test = re.match(r"TEST\w*\(\s*\w+,\s*(\w+)", head)
    name = test or re.search(r"([\w~:]+|operator[^\s(]+)\s*\(", head)
    return name.group(1) if name else "?"


def looks_inside(head):
    if re.match(r"(inline\s+)?namespace\b|extern\s*$", head):
        return True
    return bool(re.match(r"(typedef\s+)?(class|struct|union|enum)\b", head)) and "(" not in re.sub(
        r"\b(alignas|decltype)\s*\([^()]*\)", "", head)


def close_of(code, position):
    depth = 0
    for at in range(position, len(code)):
        if code[at] == "{":
            depth += 1
        elif code[at] == "}":
            depth -= 1
            if depth == 0:
                return at
    return len(code) - 1


def reachable(folder):
    """The folders that `folder` may include, itself first."""
    seen, wanted = [], [folder]
    while wanted:
        name = wanted.pop()
        if name not in seen:
            seen.append(name)
            wanted += MAY_INCLUDE[name]
    return seen


def allowed(path, places):
    return any(path == place or (place.endswith("/") and path.startswith(place))
               for place in places)


class Tidy:
    def __init__(self, root):
        self.root = Path(root)
        self.complaints = []

    def complain(self, path, line, what, instead):
        self.complaints.append(f"{path}:{line}: {what}: {instead}")

    def run(self):
        tops = sorted({folder.split("/")[0] for folder in MAY_INCLUDE} | set(OTHER_FOLDERS))
        for top in tops:
            for file in sorted(self.root.glob(f"{top}/**/*")):
                if file.suffix in (".h", ".cc", ".py") and "__pycache__" not in file.parts:
                    self.check(file.relative_to(self.root).as_posix(), file.read_text("utf-8"))
        return self.complaints

    def check(self, path, text):
        lines = text.split("\n")
        code = blank(text) if not path.endswith(".py") else ""
        self.check_sizes(path, lines, code)
        self.check_banned(path, lines, BANNED_IN_TEXT)
        if path.endswith(".py"):
            return
        self.check_banned(path, code.split("\n"), BANNED)
        self.check_header(path, text, code)
        folder = path.rsplit("/", 1)[0]
        if folder in MAY_INCLUDE:
            self.check_includes(path, folder, text)
        elif path.split("/")[0] not in OTHER_FOLDERS:
            self.complain(path, 1, f"the folder {folder} is in no table",
                          "a line in MAY_INCLUDE of tests/tidy.py and in DESIGN.md")

    def check_sizes(self, path, lines, code):
        factor = TEST_FACTOR if path.startswith("tests/") else 1
        limit = LARGER.get(path, (int(LINES_PER_FILE_MAX * factor), ""))[0]
        if len(lines) - 1 > limit:
            self.complain(path, 1, f"{len(lines) - 1} lines, over {limit}",
                          "split it by what it owns")
        if not FILE_NAME.fullmatch(path.rsplit("/", 1)[-1]):
            self.complain(path, 1, "the file's name", "snake_case")
        for number, line in enumerate(lines, 1):
            if len(line) > COLUMNS_MAX:
                self.complain(path, number, f"{len(line)} columns, over {COLUMNS_MAX}",
                              "./dev format, or shorter words")
        for name, first, count in functions(code):
            limit = LARGER.get(f"{path}:{name}",
                               (int(LINES_PER_FUNCTION_MAX * factor), ""))[0]
            if count > limit:
                self.complain(path, first, f"{name} has {count} lines, over {limit}",
                              "functions that each fit in one head")

    def check_banned(self, path, lines, table):
        if path == "tests/tidy.py" or path == "tests/tidy_test.py":
            return  # They name what is banned.
        for pattern, places, what, instead in table:
            if allowed(path, places):
                continue
            for number, line in enumerate(lines, 1):
                if re.search(pattern, line):
                    self.complain(path, number, what, instead)

    def check_header(self, path, text, code):
        if not text.endswith("\n") or text.endswith("\n\n"):
            self.complain(path, text.count("\n"), "the file's end", "one new line")
        if path.endswith(".h") and not text.startswith("#pragma once\n"):
            self.complain(path, 1, "the header's first line", "#pragma once")
        folder = path.rsplit("/", 1)[0]
        wanted = NAMESPACES.get(folder, folder.replace("/", "::"))
        named = re.findall(r"^namespace\s+([\w:]+)\s*{", code, re.M)
        if folder in MAY_INCLUDE and named and wanted not in named:
            self.complain(path, 1, f"namespace {named[0]}", f"namespace {wanted}, as its folder")

    def check_includes(self, path, folder, text):
        may = reachable(folder)
        for match in INCLUDE.finditer(text):
            number = text.count("\n", 0, match.start()) + 1
            mark, included = match.groups()
            target = included.rsplit("/", 1)[0] if "/" in included else ""
            ours = target.split("/")[0] in {name.split("/")[0] for name in MAY_INCLUDE}
            if ours and target not in may:
                self.complain(path, number, f"{folder} includes {included}",
                              "MAY_INCLUDE says which way dependencies point")
            elif target.split("/")[0] in OTHER_FOLDERS:
                self.complain(path, number, f"the product includes {included}", "its own code")
            elif mark == '"' and not ours and not target.startswith("absl"):
                if (self.root / path).parent.joinpath(included).exists():
                    self.complain(path, number, f'"{included}" beside the file',
                                  "the path from the root")
            for pattern, folders in THIRD_PARTY:
                if re.match(pattern, included) and folder not in folders:
                    self.complain(path, number, f"{folder} includes {included}",
                                  f"what {' or '.join(folders)} offers")


def main():
    root = sys.argv[1] if len(sys.argv) > 1 else Path(__file__).resolve().parent.parent
    complaints = Tidy(root).run()
    for complaint in complaints:
        print(complaint)
    return 1 if complaints else 0


if __name__ == "__main__":
    sys.exit(main())
