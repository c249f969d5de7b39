#!/usr/bin/env python3
"""tests/tidy.py complains of what it says it does, at the right line, and of nothing else."""

import sys
import tempfile
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
sys.dont_write_bytecode = True
import tidy  # noqa: E402


def complaints(files):
    """What tidy says of a tree of these files."""
    with tempfile.TemporaryDirectory() as root:
        for path, text in files.items():
            file = Path(root, path)
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text, "utf-8")
        return tidy.Tidy(root).run()


def of(text, path="core/sip/via.cc"):
    return complaints({path: text})


class IncludeRules(unittest.TestCase):
    def test_what_points_down_is_refused(self):
        self.assertRegex(of('#include "core/net/packet_io.h"\n')[0],
                         r"core/sip/via\.cc:1: core/sip includes core/net/packet_io\.h")
        self.assertTrue(of('#include "core/sip/via.h"\n', "core/base/pool.cc"))
        self.assertTrue(of('#include "core/transport/transport.h"\n', "core/config/yaml.cc"))

    def test_what_points_up_is_allowed_through_others(self):
        self.assertEqual(of('#include "core/base/pool.h"\n#include "core/buffer/packet.h"\n'), [])
        self.assertEqual(of('#include "core/sip/via.h"\n', "core/engine/worker.cc"), [])
        self.assertEqual(of('#include "core/sip/via.h"\n', "sbc/call.cc"), [])

    def test_the_programs_do_not_know_each_other(self):
        self.assertTrue(of('#include "loadgen/options.h"\n', "sbc/call.cc"))
        self.assertTrue(of('#include "sbc/call.h"\n', "loadgen/report.cc"))
        self.assertTrue(of('#include "sbc/call.h"\n', "core/engine/worker.cc"))

    def test_tests_include_anything_and_nothing_includes_them(self):
        both = '#include "sbc/call.h"\n#include "loadgen/options.h"\n#include <thread>\n'
        self.assertEqual(of(both, "tests/sim/sim_test.cc"), [])
        self.assertTrue(of('#include "tests/support/sim_io.h"\n'))

    def test_a_librarys_header_stays_behind_its_folder(self):
        for header in ("yaml-cpp/yaml.h", "liburing.h", "ares.h", "openssl/evp.h", "pugixml.hpp",
                       "httplib.h", "rte_eal.h", "prometheus/counter.h"):
            self.assertTrue(of(f"#include <{header}>\n", "core/base/pool.cc"), header)
        self.assertEqual(of("#include <liburing.h>\n", "core/net/uring_io.cc"), [])
        self.assertEqual(of('#include "absl/status/status.h"\n'), [])

    def test_a_path_starts_at_the_root(self):
        self.assertTrue(complaints({"core/sip/via.cc": '#include "via.h"\n',
                                    "core/sip/via.h": "#pragma once\n"}))

    def test_a_new_folder_needs_a_line(self):
        self.assertRegex(of("int x;\n", "core/ice/agent.cc")[0], "core/ice is in no table")


class Bans(unittest.TestCase):
    def test_each_is_found_at_its_line(self):
        for snippet in ("std::mutex m;", "std::atomic<int> a;", "std::jthread t;",
                        "auto t = Clock::now();", "clock_gettime(0, &t);", "time(nullptr);",
                        "try { f(); }", "throw 1;", "std::random_device d;", "int r = rand();",
                        "std::shared_ptr<int> p;", "std::function<void()> f;", "std::regex r;",
                        "usleep(1);", "sleep(1);", "std::this_thread::sleep_for(d);", "#if 0",
                        "goto end;", "using namespace std;", "co_await x;", "assert(x);",
                        "#define MAX 3", "// TODO: later", "/* FIXME */", "\tint x;", "int x; ",
                        "auto p = dynamic_cast<int*>(q);", "regexec(r);", "getrandom(p, 1, 0);"):
            found = of(f"int a;\n{snippet}\nint b;\n")
            self.assertEqual(len(found), 1, f"{snippet}: {found}")
            self.assertTrue(found[0].startswith("core/sip/via.cc:2: "), found)

    def test_each_may_stand_where_it_belongs(self):
        for path, snippet in (("core/engine/mailbox.cc", "std::atomic<int> a;"),
                              ("sbc/control/admin.cc", "std::mutex m;"),
                              ("core/time/clock.cc", "clock_gettime(0, &t);"),
                              ("core/config/yaml.cc", "try { f(); } catch (int) {}"),
                              ("core/base/random.h", "#pragma once\nint x = getrandom();"),
                              ("core/base/check.h", "#pragma once\n#define CHECK(x) x"),
                              ("loadgen/regular_expression.cc", "regexec(r);"),
                              ("tests/core/engine/mailbox_test.cc", "std::thread t;")):
            self.assertEqual(of(snippet + "\n", path), [], path)

    def test_comments_and_literals_are_not_code(self):
        self.assertEqual(of('// A try to throw.\n/* goto\n std::mutex */\n'
                            'const char* x = "throw \\" catch";\n'
                            'const char* y = R"x(std::mutex " goto)x";\n'
                            "char c = '\"'; int n = 1'000'000; char d = '\\'';\n"), [])

    def test_literals_may_be_used_whole(self):
        self.assertEqual(of("using namespace std::chrono_literals;\n"
                            "using namespace std::literals::string_view_literals;\n"), [])

    def test_a_word_inside_a_name_is_not_the_word(self):
        self.assertEqual(of("int retry, catchment, operand(int); Arm(timer); Uptime();\n"), [])


class Sizes(unittest.TestCase):
    def test_a_long_function_is_named(self):
        body = "  f();\n" * 70
        found = of("namespace core::sip {\nclass C {\n  int Small() { return 1; }\n};\n"
                   f"int C::Large(int a,\n             int b) {{\n{body}}}\n}}\n")
        self.assertEqual(len(found), 1, found)
        self.assertRegex(found[0], r"via\.cc:5: C::Large has 73 lines, over 70")

    def test_tables_classes_and_macros_are_not_functions(self):
        rows = "    {1, 2},\n" * 100
        members = "  int F() { return 1; }\n" * 100
        macro = "#define CHECK(x) \\\n" + "  f(); \\\n" * 80 + "  g()\n"
        self.assertEqual(of(f"namespace core::sip {{\nconstexpr Row kRows[] = {{\n{rows}}};\n"
                            f"struct S {{\n{members}}};\n}}\n{macro}"), [])

    def test_a_constructor_with_braces_in_its_initializers_is_found(self):
        body = "  f();\n" * 80
        found = of(f"C::C(int a)\n    : a_{{a}},\n      b_(2) {{\n{body}}}\n")
        self.assertEqual(len(found), 1, found)

    def test_a_test_is_called_by_its_name(self):
        body = "  f();\n" * 110
        found = of(f"TEST(ViaTest, IsLong) {{\n{body}}}\n", "tests/core/sip/via_test.cc")
        self.assertRegex(found[0], "IsLong has 112 lines, over 105")

    def test_long_files_and_lines(self):
        self.assertRegex(of("int x;\n" * 501)[0], "501 lines, over 500")
        self.assertEqual(of("int x;\n" * 500), [])
        self.assertRegex(of("int a;\n//" + "x" * 99 + "\n")[0], "via.cc:2: 101 columns")
        self.assertEqual(of("//" + "x" * 98 + "\n"), [])
        self.assertTrue(of("x = 1 \n", "tests/e2e/sipp.py"))

    def test_larger_needs_a_line(self):
        tidy.LARGER["core/sip/via.cc"] = (600, "for this test")
        self.addCleanup(tidy.LARGER.pop, "core/sip/via.cc")
        self.assertEqual(of("int x;\n" * 600), [])
        self.assertTrue(of("int x;\n" * 601))


class Headers(unittest.TestCase):
    def test_first_line_last_line_name_and_namespace(self):
        self.assertTrue(of("int x;\n", "core/sip/via.h"))
        self.assertTrue(of("int x;"))
        self.assertTrue(of("int x;\n", "core/sip/ViaHeader.cc"))
        self.assertTrue(of("namespace core::net {\n}\n"))
        self.assertEqual(of("namespace core::sip {\n}\n"), [])
        self.assertEqual(of("namespace core {\n}\n", "core/time/clock.cc"), [])


class OwnTree(unittest.TestCase):
    def test_dependencies_make_no_circle_in_core(self):
        for folder in tidy.MAY_INCLUDE:
            if folder.startswith("core/"):
                for other in tidy.reachable(folder)[1:]:
                    self.assertNotIn(folder, tidy.reachable(other), f"{folder} and {other}")

    def test_larger_names_what_exists_and_says_why(self):
        root = Path(__file__).resolve().parent.parent
        for name, (lines, why) in tidy.LARGER.items():
            self.assertTrue((root / name.split(":")[0]).exists(), name)
            self.assertTrue(lines > 0 and why, name)


if __name__ == "__main__":
    unittest.main()
