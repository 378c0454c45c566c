from whycold.remedies.blame.patches import Hunk, read_hunks

PATCH = """diff --git a/old.py b/new.py
similarity index 90%
--- a/old.py
+++ b/new.py
@@ -3 +3,2 @@ def f():
-gone
+came
+--- not a name
@@ -9,2 +10,0 @@
-one
---- two
diff --git a/gone.txt b/gone.txt
deleted file mode 100644
--- a/gone.txt
+++ /dev/null
@@ -1 +0,0 @@
-all
\\ No newline at end of file
diff --git a/x.bin b/x.bin
Binary files a/x.bin and b/x.bin differ
"""


def test_hunks_with_their_files_and_lines():
    assert list(read_hunks(PATCH)) == [
        Hunk("new.py", 3, ("gone",), ("came", "--- not a name")),
        Hunk("new.py", 10, ("one", "--- two"), ()),
        Hunk("gone.txt", 0, ("all",), ()),
    ]


def test_no_patch():
    assert list(read_hunks("")) == []
