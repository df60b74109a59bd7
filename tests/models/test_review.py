"""The words for what a review did not read."""

from models.tasks.review import left_words


def test_what_was_not_read_is_said_and_else_why_there_is_no_finding() -> None:
    assert left_words(2, 2, 1, [], is_cut=False) == ""
    assert left_words(1, 1, 0, ["All is well."], is_cut=False) == "All is well."
    assert left_words(2, 2, 0, ["a", "b"], is_cut=False) == "No bug was seen in 2 parts."
    assert left_words(2, 1, 1, [], is_cut=False, n_changed=1) == (
        "1 part was edited meanwhile and not read."
    )
    assert left_words(2, 0, 0, [], is_cut=False, n_changed=2) == (
        "2 parts were edited meanwhile and not read."
    )
    assert left_words(9, 3, 0, [], is_cut=False) == (
        "The 3 most suspicious of 9 parts were read, 6 not."
    )


def test_files_that_were_not_compared_are_said_with_or_without_a_finding() -> None:
    more = "More files differ than were compared; review a folder for the rest."
    assert left_words(2, 2, 1, [], is_cut=True) == more
    assert left_words(1, 1, 0, ["All is well."], is_cut=True) == f"All is well. {more}"
