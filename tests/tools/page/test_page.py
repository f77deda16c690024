#!/usr/bin/env python3
# SPDX-License-Identifier: BSL-1.0
"""The report's page in a real browser: it uses itself through its own event handlers (#selftest) and says what came of it.

usage: test_page.py MAKE_PAGE. Without Chromium (Debian: apt-get install chromium) the tests are skipped.
"""
import html
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import unittest

BROWSER = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
MAKE_PAGE = None
LONGEST = 120


def dom_of(path, address, folder):
    """The document after the page's scripts have run."""
    command = [BROWSER, "--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--window-size=1500,950",
               f"--user-data-dir={folder}/profile", "--dump-dom", f"file://{path}{address}"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True) as browser:
        try:
            out, errors = browser.communicate(timeout=LONGEST)
        except subprocess.TimeoutExpired:
            os.killpg(browser.pid, signal.SIGKILL)
            raise
    if not out.strip():
        raise AssertionError(f"{BROWSER} wrote no document: {errors.decode(errors='replace')[-2000:]}")
    return out.decode()


@unittest.skipUnless(BROWSER, "Chromium is not installed, so the page was not tested in a browser (apt-get install chromium)")
class Page(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.mkdtemp(prefix="page-test-")
        self.addCleanup(shutil.rmtree, self.folder, ignore_errors=True)

    def page(self, *what):
        path = os.path.join(self.folder, "page.html")
        subprocess.run([MAKE_PAGE, path, *map(str, what)], check=True)
        return path

    def uses_itself(self, path):
        found = re.search(r'<pre id="selftest-result" hidden="">(.*?)</pre>', dom_of(path, "#selftest", self.folder), re.DOTALL)
        self.assertTrue(found, "the page's own test did not come to its end")
        result = json.loads(html.unescape(found[1]))
        failed = [f"{sentence}: {detail}" for sentence, passed, detail in result["checks"] if not passed]
        self.assertEqual(failed, [])
        print(f"{result['events']} events, {len(result['checks'])} checks; ms to decode {result['decode']}, to model {result['model']}; "
              f"frame: median {result['frames']['median']}, 95% {result['frames']['p95']}", file=sys.stderr)
        return result

    def test_every_way_to_use_it_works_on_a_server_with_troubles(self):
        result = self.uses_itself(self.page("story", 60000))
        self.assertGreaterEqual(result["events"], 60000)
        self.assertGreaterEqual(len(result["checks"]), 50)

    def test_it_works_on_random_windows(self):
        for seed in (1, 2):
            with self.subTest(seed=seed):
                self.uses_itself(self.page("random", 20000, seed))

    def test_it_works_where_the_window_begins_in_the_middle_and_has_holes(self):
        self.uses_itself(self.page("holes", 20000, 5))

    def test_names_of_the_traced_program_stay_text(self):
        path = self.page("hostile", 3000)
        self.uses_itself(path)
        document = dom_of(path, "", self.folder)
        self.assertIn("<title>&lt;/title&gt;&lt;script&gt;", document)
        self.assertNotIn("<img", document)

    def test_a_window_without_events_says_so(self):
        self.uses_itself(self.page("empty", 0))
        self.assertIn("This window has no events", dom_of(os.path.join(self.folder, "page.html"), "#tab=summary", self.folder))

    def test_one_event_is_enough(self):
        self.uses_itself(self.page("story", 1))

    def test_a_page_that_was_cut_short_says_so(self):
        path = self.page("story", 5000)
        with open(path, "rb") as whole:
            text = whole.read()
        for at in (text.index(b'id="c-e-kind"') + 400, text.index(b'id="c-value"')):
            with open(path, "wb") as cut:
                cut.write(text[:at])
            self.assertIn("This page cannot be shown", dom_of(path, "", self.folder))

    def test_it_asks_for_nothing_from_outside(self):
        with open(self.page("story", 1000), encoding="utf-8") as page:
            text = page.read()
        self.assertEqual(re.findall(r'(?:src|href)\s*=\s*"(?!#")[^"]*"|@import|url\(', text), [])
        self.assertIn("default-src 'none'", text)


if __name__ == "__main__":
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    MAKE_PAGE = sys.argv.pop(1)
    if not BROWSER:
        print("skipped: Chromium is not installed, so the page was not tested in a browser (apt-get install chromium)")
        sys.exit(77)
    unittest.main()
