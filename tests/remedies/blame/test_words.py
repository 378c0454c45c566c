from whycold.remedies.blame.words import longest_common, words_of


def test_words_stand_without_what_a_language_puts_between_them():
    python = '"Greet the customer " \\\n    "by name.\\n"'
    assert words_of(python) == ["Greet", "the", "customer", "by", "name"]


def test_names_stay_whole():
    assert words_of('MODEL = "claude-opus-5"; a.b("x/y")') == [
        "MODEL",
        "claude-opus-5",
        "a.b",
        "x/y",
    ]


def test_the_longest_row_of_words():
    assert longest_common(["a", "b", "c", "d"], ["x", "b", "c", "y", "d"]) == 2
    assert longest_common([], ["x"]) == 0
