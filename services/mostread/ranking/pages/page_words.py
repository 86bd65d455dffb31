"""The words of the service's own pages, by language.

Where a number stands beside a noun, English bends the noun; the others name it first and count
behind a colon, so that no number bends a word.
"""

from dataclasses import dataclass
from datetime import datetime

from mostread.ranking.pages.words import Lang

_TOLD = ("1h", "6h", "24h", "7d", "30d", "today", "yesterday", "week", "all")


@dataclass(frozen=True, slots=True, kw_only=True)
class PageWords:
    """Each field is a piece of text; `{...}` in it stands for what is put in."""

    windows: dict[str, str]
    during: dict[str, str]
    measures: dict[str, str]
    points: str
    measured: str
    ordered: str
    views_in_all: str
    in_all: str
    window: str
    site: str
    section: str
    language: str
    every: str
    show_all_not_only: str
    behind: str
    behind_since: str
    behind_unknown: str
    keeps_trying: str
    lost: str
    lost_before: str
    lost_after: str
    fresh_before: str
    fresh_after: str
    up: str
    down: str
    new: str
    since_an_hour: str
    since_a_day: str
    about_order: str
    about_changes: str
    order_by: str
    order: str
    pinned: str
    pinned_to: str
    about_quarantined: str
    show_quarantined: str
    leave_quarantined: str
    hidden: str
    over_time: str
    pages: str
    ranks: str
    beyond: str
    empty: str
    empty_why: str
    empty_limits: str
    empty_what: str
    by_label: dict[str, str]
    published: str
    read_it: str
    by_window: str
    span: str
    spans: dict[str, str]
    drag: str
    show_all: str
    as_table: str
    each: dict[str, str]
    grains: dict[str, str]
    nothing_counted: str
    not_understood: str
    show_24h: str
    unknown: str
    unknown_why: str
    show_list: str
    unavailable: str
    unavailable_why: str
    try_again: str
    months: tuple[str, ...]

    def date(self, moment: datetime) -> str:
        """Return 23 November, in the form that stands beside a number."""
        return f"{moment.day} {self.months[moment.month - 1]}"


def _by_window(*words: str) -> dict[str, str]:
    return dict(zip(_TOLD, words, strict=True))


def _measures(*words: str) -> dict[str, str]:
    return dict(zip(("views", "comments", "likes", "score", "trending"), words, strict=True))


PAGE_WORDS: dict[Lang, PageWords] = {
    "en": PageWords(
        windows=_by_window(
            "1 hour",
            "6 hours",
            "24 hours",
            "7 days",
            "30 days",
            "Today",
            "Yesterday",
            "This week",
            "All time",
        ),
        during=_by_window(
            "in 1 hour",
            "in 6 hours",
            "in 24 hours",
            "in 7 days",
            "in 30 days",
            "today",
            "yesterday",
            "this week",
            "in all",
        ),
        measures=_measures("views", "comments", "likes", "score", "trending"),
        points="points",
        measured="{number} {unit} {during}",
        ordered="by {measure} {during}",
        views_in_all="views in all",
        in_all="In all",
        window="Window",
        site="Site",
        section="Section",
        language="Language",
        every="all",
        show_all_not_only="Show all, not only {name}",
        behind="These numbers are behind.",
        behind_since="Only events until {until} are sure to be counted.",
        behind_unknown="It is not known up to when events are counted.",
        keeps_trying="The page keeps trying.",
        lost="The connection is lost.",
        lost_before="The page shows what it was told at ",
        lost_after=", and keeps trying.",
        fresh_before="All events until ",
        fresh_after=" are counted.",
        up="up {places} from {before}",
        down="down {places} from {before}",
        new="new",
        since_an_hour="an hour ago",
        since_a_day="a day ago",
        about_order="The order is by {measure} in the window; the columns count an article’s whole "
        "life, the small line, which leads to its page, its views by hour of the last 24.",
        about_changes="▲ and ▼ are places won and lost since {since}.",
        order_by="Order by",
        order="Order",
        pinned="pinned",
        pinned_to="pinned to rank {rank}",
        about_quarantined="Articles read by few are held back until an editor clears them.",
        show_quarantined="Show them too",
        leave_quarantined="Leave them out",
        hidden="hidden",
        over_time="over time",
        pages="Pages",
        ranks="Ranks {first} to {last}",
        beyond="The list ends before this page",
        empty="Nothing here yet",
        empty_why="No article has {what} in this window.",
        empty_limits="No article has {what} in this window with these limits.",
        empty_what="Choose a longer window, or wait for the first reader.",
        by_label=_measures("views", "comments", "likes", "a score", "more views than expected"),
        published="Published {when}",
        read_it="Read the article",
        by_window="Views, comments and likes by window",
        span="Span",
        spans={
            "3h": "3 hours by minute",
            "24h": "24 hours by minute",
            "7d": "7 days by hour",
            "30d": "30 days by hour",
        },
        drag="Drag over the chart to look closer.",
        show_all="Show all",
        as_table="The numbers as a table",
        each={
            "minute": "Each minute in which something was counted ({zone})",
            "hour": "Each hour in which something was counted ({zone})",
        },
        grains={"minute": "minute", "hour": "hour"},
        nothing_counted="Nothing was counted in this time.",
        not_understood="This address is not understood",
        show_24h="Show the list of the last 24 hours",
        unknown="This article is not known",
        unknown_why="The site {site} has no article {article}: nobody has described it, and "
        "nothing has been counted for it.",
        show_list="Show the list",
        unavailable="The counters cannot be read just now",
        unavailable_why="What was counted is kept. This page tries again by itself.",
        try_again="Try again now",
        months=(
            "January",
            "February",
            "March",
            "April",
            "May",
            "June",
            "July",
            "August",
            "September",
            "October",
            "November",
            "December",
        ),
    ),
    "ru": PageWords(
        windows=_by_window(
            "1 час",
            "6 часов",
            "24 часа",
            "7 дней",
            "30 дней",
            "Сегодня",
            "Вчера",
            "Эта неделя",
            "Всё время",
        ),
        during=_by_window(
            "за 1 час",
            "за 6 часов",
            "за 24 часа",
            "за 7 дней",
            "за 30 дней",
            "за сегодня",
            "за вчера",
            "за эту неделю",
            "за всё время",
        ),
        measures=_measures("просмотры", "комментарии", "лайки", "баллы", "тренд"),
        points="баллы",
        measured="{unit} {during}: {number}",
        ordered="{measure} {during}",
        views_in_all="просмотры",
        in_all="Всего",
        window="Период",
        site="Сайт",
        section="Раздел",
        language="Язык",
        every="все",
        show_all_not_only="Показать все, не только {name}",
        behind="Эти числа отстают.",
        behind_since="Наверняка учтены только события до {until}.",
        behind_unknown="Неизвестно, до какого времени учтены события.",
        keeps_trying="Страница продолжает попытки.",
        lost="Связь потеряна.",
        lost_before="Страница показывает то, что получила в ",
        lost_after=", и продолжает попытки.",
        fresh_before="Учтены все события до ",
        fresh_after=".",
        up="выше на {places}, было {before}",
        down="ниже на {places}, было {before}",
        new="новое",
        since_an_hour="часом раньше",
        since_a_day="днём раньше",
        about_order="Порядок: {measure} за период. Столбцы считают всю жизнь материала; маленькая "
        "линия, которая ведёт на его страницу, — просмотры по часам за последние 24.",
        about_changes="▲ и ▼ — места, на которые материал поднялся и опустился, по сравнению с "
        "тем, что было {since}.",
        order_by="Порядок:",
        order="Порядок",
        pinned="закреплено",
        pinned_to="закреплено на месте {rank}",
        about_quarantined="Статьи с немногими читателями придержаны, пока их не допустит редактор.",
        show_quarantined="Показать и их",
        leave_quarantined="Не показывать их",
        hidden="скрыто",
        over_time="по времени",
        pages="Страницы",
        ranks="Места {first}–{last}",
        beyond="Список кончается раньше этой страницы",
        empty="Пока ничего нет",
        empty_why="За этот период нет материалов, у которых есть {what}.",
        empty_limits="За этот период с этими условиями нет материалов, у которых есть {what}.",
        empty_what="Выберите период длиннее или подождите первого читателя.",
        by_label=_measures(
            "просмотры", "комментарии", "лайки", "баллы", "больше просмотров, чем ожидалось"
        ),
        published="Опубликовано {when}",
        read_it="Читать материал",
        by_window="Просмотры, комментарии и лайки по периодам",
        span="Отрезок",
        spans={
            "3h": "3 часа по минутам",
            "24h": "24 часа по минутам",
            "7d": "7 дней по часам",
            "30d": "30 дней по часам",
        },
        drag="Проведите по графику, чтобы увидеть часть крупнее.",
        show_all="Показать всё",
        as_table="Числа таблицей",
        each={
            "minute": "Каждая минута, в которую что-то учтено ({zone})",
            "hour": "Каждый час, в который что-то учтено ({zone})",
        },
        grains={"minute": "минута", "hour": "час"},
        nothing_counted="За это время ничего не учтено.",
        not_understood="Этот адрес непонятен",
        show_24h="Показать список за последние 24 часа",
        unknown="Такой материал неизвестен",
        unknown_why="На сайте {site} нет материала {article}: никто его не описал, и для него "
        "ничего не учтено.",
        show_list="Показать список",
        unavailable="Счётчики сейчас прочесть нельзя",
        unavailable_why="Всё учтённое сохранено. Страница попробует снова сама.",
        try_again="Попробовать сейчас",
        months=(
            "января",
            "февраля",
            "марта",
            "апреля",
            "мая",
            "июня",
            "июля",
            "августа",
            "сентября",
            "октября",
            "ноября",
            "декабря",
        ),
    ),
    "kk": PageWords(
        windows=_by_window(
            "1 сағат",
            "6 сағат",
            "24 сағат",
            "7 күн",
            "30 күн",
            "Бүгін",
            "Кеше",
            "Осы апта",
            "Барлық уақыт",
        ),
        during=_by_window(
            "1 сағатта",
            "6 сағатта",
            "24 сағатта",
            "7 күнде",
            "30 күнде",
            "бүгін",
            "кеше",
            "осы аптада",
            "барлық уақытта",
        ),
        measures=_measures("қаралым", "пікір", "ұнату", "ұпай", "тренд"),
        points="ұпай",
        measured="{during} {number} {unit}",
        ordered="{during}: {measure}",
        views_in_all="қаралым",
        in_all="Барлығы",
        window="Кезең",
        site="Сайт",
        section="Бөлім",
        language="Тіл",
        every="барлығы",
        show_all_not_only="{name} ғана емес, барлығын көрсету",
        behind="Бұл сандар кешігіп тұр.",
        behind_since="Анық есептелгені — мына уақытқа дейінгі оқиғалар: {until}.",
        behind_unknown="Оқиғалардың қай уақытқа дейін есептелгені белгісіз.",
        keeps_trying="Бет қайта сұрай береді.",
        lost="Байланыс үзілді.",
        lost_before="Бет соңғы алған деректерін көрсетіп тұр, алынған уақыты: ",
        lost_after=". Бет қайта сұрай береді.",
        fresh_before="Мына уақытқа дейінгі барлық оқиға есептелген: ",
        fresh_after=".",
        up="{places} орынға жоғарылады, бұрын {before}",
        down="{places} орынға төмендеді, бұрын {before}",
        new="жаңа",
        since_an_hour="бір сағат бұрын",
        since_a_day="бір күн бұрын",
        about_order="Реті: кезең ішіндегі {measure}. Бағандар мақаланың бүкіл уақытын санайды; "
        "мақала бетіне апаратын шағын сызық — соңғы 24 сағаттағы қаралым.",
        about_changes="▲ және ▼ — {since} болған орыннан көтерілу және төмендеу.",
        order_by="Реті:",
        order="Реті",
        pinned="бекітілген",
        pinned_to="{rank}-орынға бекітілген",
        about_quarantined="Аз адам оқыған мақалалар редактор рұқсат бергенше кідіртіледі.",
        show_quarantined="Оларды да көрсету",
        leave_quarantined="Оларды көрсетпеу",
        hidden="жасырылған",
        over_time="уақыт бойынша",
        pages="Беттер",
        ranks="{first}–{last} орындар",
        beyond="Тізім бұл беттен бұрын аяқталады",
        empty="Әзірге ештеңе жоқ",
        empty_why="Бұл кезеңде мына көрсеткіші бар мақала жоқ: {what}.",
        empty_limits="Бұл кезеңде осы шарттармен мына көрсеткіші бар мақала жоқ: {what}.",
        empty_what="Ұзағырақ кезеңді таңдаңыз немесе алғашқы оқырманды күтіңіз.",
        by_label=_measures("қаралым", "пікір", "ұнату", "ұпай", "күтілгеннен көп қаралым"),
        published="Жарияланған уақыты: {when}",
        read_it="Мақаланы оқу",
        by_window="Кезең бойынша қаралым, пікір және ұнату",
        span="Аралық",
        spans={
            "3h": "3 сағат, минут сайын",
            "24h": "24 сағат, минут сайын",
            "7d": "7 күн, сағат сайын",
            "30d": "30 күн, сағат сайын",
        },
        drag="Бөлігін жақыннан көру үшін графиктің үстімен сүйреңіз.",
        show_all="Барлығын көрсету",
        as_table="Сандар кесте түрінде",
        each={
            "minute": "Бірдеңе есептелген әр минут ({zone})",
            "hour": "Бірдеңе есептелген әр сағат ({zone})",
        },
        grains={"minute": "минут", "hour": "сағат"},
        nothing_counted="Бұл уақытта ештеңе есептелген жоқ.",
        not_understood="Бұл мекенжай түсініксіз",
        show_24h="Соңғы 24 сағаттың тізімін көрсету",
        unknown="Мұндай мақала белгісіз",
        unknown_why="{site} сайтында {article} мақаласы жоқ: оны ешкім сипаттамаған және ол үшін "
        "ештеңе есептелмеген.",
        show_list="Тізімді көрсету",
        unavailable="Есептегіштерді қазір оқу мүмкін емес",
        unavailable_why="Есептелгеннің бәрі сақталған. Бет өзі қайта сұрайды.",
        try_again="Қазір қайта көру",
        months=(
            "қаңтар",
            "ақпан",
            "наурыз",
            "сәуір",
            "мамыр",
            "маусым",
            "шілде",
            "тамыз",
            "қыркүйек",
            "қазан",
            "қараша",
            "желтоқсан",
        ),
    ),
}


def spoken(accepted: str) -> Lang:
    """Return the language that a browser likes best of ours, by its Accept-Language."""
    best: Lang = "en"
    liked = 0.0
    for part in accepted.split(",")[:32]:
        tag, _, quality = part.strip().lower().partition(";q=")
        try:
            weight = float(quality or 1)
        except ValueError:
            continue
        for lang in PAGE_WORDS:
            if tag.split("-")[0] == lang and weight > liked:
                best, liked = lang, weight
    return best
