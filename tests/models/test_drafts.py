"""Prompt look-up: what is proposed, and when it holds back."""

from __future__ import annotations

from models.backends.drafts import MAX_DRAFT, MIN_DRAFT, PATIENCE, PAUSE, PromptLookup


def test_what_followed_the_same_tokens_is_proposed() -> None:
    lookup = PromptLookup([1, 2, 3, 4, 5, 6, 7, 8, 9, 1, 2, 3])
    assert lookup.propose(10) == [4, 5, 6, 7]


def test_nothing_is_proposed_for_tokens_that_were_not_there_before() -> None:
    assert PromptLookup([1, 2, 3, 4, 5]).propose(10) == []
    assert PromptLookup([]).propose(10) == []
    assert PromptLookup([7, 7]).propose(10) == []


def test_of_two_places_the_one_that_was_alike_for_longer_is_taken() -> None:
    alike = [9, 8, 1, 2, 3, 50, 51, 52, 53]
    nearer = [0, 1, 2, 3, 60, 61, 62, 63]
    assert PromptLookup([*alike, *nearer, 9, 8, 1, 2, 3]).propose(4) == [50, 51, 52, 53]


def test_no_more_is_proposed_than_there_is_room_for() -> None:
    lookup = PromptLookup([1, 2, 3, 4, 5, 6, 7, 1, 2, 3])
    assert lookup.propose(2) == [4, 5]
    assert lookup.propose(0) == []


def test_drafts_grow_while_they_are_right_and_shrink_when_they_are_wrong() -> None:
    lookup = PromptLookup([*range(100), 0, 1, 2])
    for _ in range(6):
        lookup.learn(4, 4)
    assert len(lookup.propose(1_000)) == MAX_DRAFT
    for _ in range(3):
        lookup.learn(24, 1)
    assert len(lookup.propose(1_000)) == MIN_DRAFT


def test_after_wrong_drafts_in_a_row_there_is_a_pause() -> None:
    lookup = PromptLookup([1, 2, 3, 4, 5, 6, 1, 2, 3])
    for _ in range(PATIENCE):
        assert lookup.propose(4)
        lookup.learn(4, 0)
    assert lookup.propose(4) == []
    for _ in range(PAUSE):
        lookup.add(0)
    for token in (1, 2, 3):
        lookup.add(token)
    assert lookup.propose(4)
