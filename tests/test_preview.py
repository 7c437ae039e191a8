"""``make preview`` draws what is really sent, as both platforms would."""

from tests.preview.__main__ import section, told


async def test_a_message_is_drawn_for_both_platforms(tmp_path):
    [answer, *others], store = await told("model card", tmp_path)
    page = section("model card", answer, store) + "".join(
        section("model card", other, store) for other in others
    )
    for words in ("on Discord", "on Slack", "Digits: 90.0 %", ">Leaderboard</button>"):
        assert words in page
    assert page.count('class="picture"') >= 2
