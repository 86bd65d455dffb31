"""The wall: the list page for a screen that nobody touches."""

import re

import pytest

from tests.support.ranking import Counted, Service, ago


async def page(service: Service, query: str) -> str:
    answer = await service.get(f"/?{query}")
    assert answer.status == 200
    return (await answer.text()).replace("&amp;", "&")


@pytest.fixture
def sections(counted: Counted) -> Counted:
    for number, section in enumerate(["City", "City", "Sport"]):
        counted.article(str(number), section=section)
        counted.event(str(number), ago(minutes=5), views=9 - number)
    counted.write()
    return counted


async def test_wall_turns_from_whole_site_through_its_sections(
    service: Service, sections: Counted
) -> None:
    address, turns = f"site={sections.site}&wall", []
    for _ in range(4):
        text = await page(service, address)
        [following] = re.findall('data-next="[?]([^"]+)" data-seconds="20"', text)
        turns.append((re.findall("<h1>Most read(?: <bdi>(.*?)</bdi>)?</h1>", text), address))
        assert (
            re.findall('<li value="[0-9]+" data-key="([0-9])"', text)
            == {
                "": ["0", "1", "2"],
                "City": ["0", "1"],
                "Sport": ["2"],
            }[turns[-1][0][0]]
        )
        address = following
    assert [title for [title], _ in turns] == ["", "City", "Sport", ""]
    # Without a script, the browser does the same.
    assert f'<meta http-equiv="refresh" content="20;url=?{address}">' in text


async def test_wall_turns_through_sections_of_address(service: Service, sections: Counted) -> None:
    text = await page(service, f"site={sections.site}&section=Sport&section=City&wall=5&turn=1")
    assert "<bdi>Sport</bdi></h1>" in text
    assert 'data-seconds="5"' in text
    assert "turn=0" in text


async def test_wall_has_no_controls_and_follows_its_own_section(
    service: Service, sections: Counted
) -> None:
    text = await page(service, f"site={sections.site}&wall&turn=2")
    assert "<button" not in text
    assert "<input" not in text
    assert f'data-page="site={sections.site}&lang=en&section=Sport&limit=10&compare=day"' in text


@pytest.mark.parametrize("wall", ["4", "x", "3601"])
async def test_wall_with_invalid_seconds_is_rejected(service: Service, wall: str) -> None:
    assert (await service.get(f"/?wall={wall}")).status == 400
