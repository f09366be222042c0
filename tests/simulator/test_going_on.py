"""Asked to go on with an answer, in any of the ways that clients do it, the simulator goes on where it was."""

from typing import Any

import pytest

from app.simulator.conversation import conversation
from app.simulator.going_on import asked_of
from tests.simulator.kit import PREFILLED, Talk, assistant, back, kinds, talking, text, user

RIVERS = "Tell me about rivers."


async def partial(talk: Talk, at: int = 150) -> tuple[str, str]:
    whole = text(await talk.whole(RIVERS))
    return whole, whole[:at]


def asking_for_more(said: str) -> dict[str, Any]:
    return user(f"Your answer was interrupted. It ended with:\n\n{said[-100:]}\n\nGo on from exactly there.")


async def test_a_second_users_message_that_quotes_the_answer_is_gone_on_with(talk: Talk) -> None:
    whole, said = await partial(talk)
    quote = (
        f"Your previous response was interrupted and ended with: {said}. Continue from where you left off."
    )
    rest = text(await talk.streamed([user(RIVERS), user(quote)]))
    assert said + rest == whole


async def test_a_second_users_message_that_quotes_something_else_is_a_question(talk: Talk) -> None:
    _, said = await partial(talk)
    rest = text(await talk.streamed([user(RIVERS), user("You were interrupted: 'lorem ipsum'. Continue.")]))
    assert not said.startswith(rest[:20]) or rest.startswith(said[:20])
    assert len(rest) > 100


def test_a_message_too_long_to_quote_an_answer_is_not_searched_for_one() -> None:
    """To look for every part of a long answer in megabytes would hold up everybody for minutes."""
    for size, quotes in ((1000, True), (1_000_000, False)):
        quoting = user("You were interrupted, go on. " + "x" * size)
        assert bool(asked_of(conversation([user(RIVERS), quoting])).quoting) is quotes


async def test_after_max_tokens_it_goes_on_when_it_is_only_told_to(talk: Talk) -> None:
    whole = text(await talk.whole(RIVERS))
    first = await talk.streamed(RIVERS, max_tokens=20)
    rest = await talk.streamed([user(RIVERS), back(first), user("Please continue.")])
    assert text(first) + text(rest) == whole


@pytest.mark.parametrize(
    ("overlap", "repeats"), [("overlap=12", 12), ("[[overlap 12]]", 12), ("[[overlap 2 words]]", 2)]
)
async def test_it_repeats_what_it_is_told_to_repeat(overlap: str, repeats: int, talk: Talk) -> None:
    prompt = (
        f"[[reset after=40 {overlap}]] {RIVERS}"
        if "=" in overlap
        else f"[[reset after=40]] {overlap} {RIVERS}"
    )
    events, broke = await talk.raw(prompt)
    assert broke is not None
    said = "".join(
        event.delta.text
        for event in events
        if event.type == "content_block_delta" and event.delta.type == "text_delta"
    )
    rest = text(await talk.streamed([user(prompt), assistant(said), asking_for_more(said)]))
    whole = text(await talk.whole(RIVERS))
    at = len(whole) - len(rest)
    assert whole.endswith(rest)
    expected = len(said) - repeats if "words" not in overlap else len(said.rstrip().rsplit(None, 2)[0]) + 1
    assert at == expected


async def test_an_overlap_can_be_said_for_every_prompt(talk: Talk) -> None:
    whole, said = await partial(talk)
    async with talking(faults=("reset after=40 overlap=9",)) as faulty:
        _, broke = await faulty.raw(RIVERS)
        assert broke is not None
        rest = text(await faulty.streamed([user(RIVERS), assistant(said), asking_for_more(said)]))
    assert said[:-9] + rest == whole


async def test_a_paused_turn_goes_on_after_its_tool_and_does_not_use_it_again(talk: Talk) -> None:
    prompt = f"[[pause]] {RIVERS}"
    search = [{"type": "web_search_20260318", "name": "web_search"}]
    paused = await talk.streamed(prompt, tools=search)
    assert paused.stop_reason == "pause_turn"
    assert kinds(paused) == ["server_tool_use", "web_search_tool_result"]
    rest = await talk.streamed([user(prompt), back(paused)], tools=search)
    assert rest.stop_reason == "end_turn"
    assert kinds(rest) == ["text"]


async def test_a_pause_may_come_more_than_once(talk: Talk) -> None:
    messages = [user(f"[[pause times=2]] {RIVERS}")]
    for reason in ("pause_turn", "pause_turn", "end_turn"):
        message = await talk.streamed(messages)
        assert message.stop_reason == reason
        messages.append(back(message))


async def test_a_prefill_with_another_seed_still_finds_its_place(talk: Talk) -> None:
    whole = text(await talk.whole(RIVERS, model=PREFILLED))
    rest = text(await talk.whole([user(RIVERS), assistant(whole[:80].rstrip())], model=PREFILLED))
    assert whole.endswith(rest)
    assert len(rest) < len(whole)
