"""The words around a list in pages of other sites, by language."""

from typing import Literal, NamedTuple

Lang = Literal["en", "ru", "kk"]


class Words(NamedTuple):
    """What a list is called, and what its numbers are; said so that no number bends a word."""

    most_read: str
    views: str
    comments: str
    likes: str
    empty: str


WORDS: dict[Lang, Words] = {
    "en": Words("Most read", "Views", "Comments", "Likes", "Nothing here yet."),
    "ru": Words("Самое читаемое", "Просмотры", "Комментарии", "Лайки", "Пока ничего нет."),
    "kk": Words("Ең көп оқылғандар", "Қаралым", "Пікір", "Ұнату", "Әзірге ештеңе жоқ."),
}
