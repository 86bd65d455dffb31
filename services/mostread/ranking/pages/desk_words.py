"""The words of what editors do on the pages, by language: search, decisions, log, keys."""

from dataclasses import dataclass

from mostread.ranking.pages.words import Lang


@dataclass(frozen=True, slots=True, kw_only=True)
class DeskWords:
    """Each field is a piece of text; `{...}` in it stands for what is put in.

    Those of DeskWords.SAID are put in by the page's script.
    """

    search: str
    search_for: str
    find: str
    nothing_found: str
    nothing_found_why: str
    search_all_time: str

    sign_in: str
    sign_out: str
    enter: str
    bearer: str
    bearer_how: str
    bearer_kept: str
    cancel: str
    close: str

    hide: str
    pin: str
    decide: str
    reading: str
    in_list: str
    as_cms: str
    hidden: str
    listed: str
    pin_to: str
    pin_how: str
    embargo: str
    expires: str
    until: str
    times_in: str
    reason: str
    reason_how: str
    leave: str

    bearer_unknown: str
    bearer_role: str
    away: str
    collector_away: str
    refused: str
    told_hidden: str
    told_pinned: str
    told_decided: str
    told_left: str
    told_undone: str
    told_slow: str
    undo: str
    no_undo: str
    overtaken: str

    keys: str
    key_search: str
    key_next: str
    key_previous: str
    key_open: str
    key_hide: str
    key_pin: str
    key_undo: str
    key_help: str
    keys_on: str
    not_set_up: str

    approved: str
    few: str
    few_how: str
    quarantined: str

    log: str
    log_for: str
    log_empty: str
    log_more: str
    nobody: str
    said_hidden: str
    said_listed: str
    said_pinned: str
    said_unpinned: str
    said_embargo: str
    said_expires: str
    said_approved: str
    said_until: str
    said_nothing: str
    said_undoes: str
    take_back: str
    bring_back: str

    ranks: str
    ranks_by: str
    rank_last: str
    rank_none: str
    rank_best: str
    rank_never: str
    rank: str
    hour: str

    # What the page's script says.
    SAID = (
        "sign_in",
        "sign_out",
        "bearer_unknown",
        "bearer_role",
        "away",
        "collector_away",
        "refused",
        "told_hidden",
        "told_pinned",
        "told_decided",
        "told_left",
        "told_undone",
        "told_slow",
        "undo",
        "no_undo",
        "overtaken",
        "close",
    )


DESK_WORDS: dict[Lang, DeskWords] = {
    "en": DeskWords(
        search="Search",
        search_for="Title or id",
        find="Find",
        nothing_found="Nothing found",
        nothing_found_why="No article of this list has “{q}” in its title or id.",
        search_all_time="Search all time",
        sign_in="For editors",
        sign_out="Sign out",
        enter="Sign in",
        bearer="Token",
        bearer_how="To hide and pin articles you need a token in your own name. Your operators "
        "make it: mostread token create NAME --role editor",
        bearer_kept="It is kept in this tab, and forgotten when you close it.",
        cancel="Cancel",
        close="Close",
        hide="Hide",
        pin="Pin",
        decide="Decide",
        reading="Reading what was decided …",
        in_list="In the list",
        as_cms="as the CMS says",
        hidden="hidden",
        listed="listed, though the CMS hides it",
        pin_to="Pinned to rank",
        pin_how="1 to 100. Empty: as the CMS says. 0: at no rank, though the CMS pins it.",
        embargo="Not listed before",
        expires="Not listed from",
        until="All of this holds until",
        times_in="Times are those of {zone}.",
        reason="Why",
        reason_how="Your colleagues read it in the log.",
        leave="Leave it to the CMS",
        bearer_unknown="This token is not known here.",
        bearer_role="This token is not an editor’s.",
        away="The service cannot be reached. Try again.",
        collector_away="{collector} cannot be reached, or cannot keep anything just now. Nothing "
        "was decided. Try again.",
        refused="It was refused: {detail}",
        told_hidden="{title} is hidden.",
        told_pinned="{title} is pinned to rank {rank}.",
        told_decided="Decided about {title}.",
        told_left="{title} is left to the CMS.",
        told_undone="Taken back: {title}.",
        told_slow="It is kept, and not in the list yet: the counting is behind.",
        undo="Undo",
        no_undo="You have decided nothing here that could be taken back.",
        overtaken="Somebody else has decided about {title} since. Its page has the log.",
        keys="Keyboard",
        key_search="search",
        key_next="next article",
        key_previous="previous article",
        key_open="open the article’s page",
        key_hide="hide",
        key_pin="pin to a rank",
        key_undo="take back what you decided last",
        key_help="show these keys",
        keys_on="Single keys do this",
        not_set_up="Hiding and pinning on this page is not set up: operators name the collector in "
        "MOSTREAD_RANKING_COLLECTOR_URL.",
        approved="listed, however few read it",
        few="few visitors",
        few_how="{share} % of the views that were looked at are of ten visitors",
        quarantined="held back",
        log="Decisions",
        log_for="Editors see here who decided what, when and why.",
        log_empty="Nothing was decided about this article.",
        log_more="Older decisions are in the API.",
        nobody="a deletion without a name",
        said_hidden="hidden",
        said_listed="listed, whatever the CMS says",
        said_pinned="pinned to rank {rank}",
        said_unpinned="at no rank, whatever the CMS says",
        said_embargo="not listed before {time}",
        said_expires="not listed from {time}",
        said_approved="listed, however few read it",
        said_until="until {time}",
        said_nothing="left to the CMS",
        said_undoes="takes back that of {time}",
        take_back="Take back",
        bring_back="Bring back what held before",
        ranks="Rank",
        ranks_by="By views of 24 hours at the end of each hour, whatever was pinned or hidden.",
        rank_last="{time}: rank {rank}.",
        rank_none="{time}: below rank {rank}.",
        rank_best="Best: {rank} ({time}).",
        rank_never="In the last 48 hours it was not among the first {rank}.",
        rank="rank",
        hour="hour",
    ),
    "ru": DeskWords(
        search="Поиск",
        search_for="Заголовок или id",
        find="Найти",
        nothing_found="Ничего не найдено",
        nothing_found_why="В этом списке нет материала с «{q}» в заголовке или id.",
        search_all_time="Искать за всё время",
        sign_in="Редакторам",
        sign_out="Выйти",
        enter="Войти",
        bearer="Токен",
        bearer_how="Чтобы скрывать и закреплять материалы, нужен токен на ваше имя. Его делают "
        "администраторы: mostread token create ИМЯ --role editor",
        bearer_kept="Он хранится в этой вкладке и забывается, когда вы её закроете.",
        cancel="Отмена",
        close="Закрыть",
        hide="Скрыть",
        pin="Закрепить",
        decide="Решить",
        reading="Читаем, что решено …",
        in_list="В списке",
        as_cms="как решит CMS",
        hidden="скрыто",
        listed="показывать, даже если CMS скрывает",
        pin_to="Закрепить на месте",
        pin_how="От 1 до 100. Пусто: как решит CMS. 0: ни на каком, даже если CMS закрепляет.",
        embargo="Не показывать до",
        expires="Не показывать с",
        until="Всё это действует до",
        times_in="Время — {zone}.",
        reason="Почему",
        reason_how="Коллеги прочтут это в журнале.",
        leave="Оставить решение CMS",
        bearer_unknown="Этот токен здесь неизвестен.",
        bearer_role="Это токен не редактора.",
        away="Сервис недоступен. Попробуйте ещё раз.",
        collector_away="{collector} недоступен или сейчас ничего не может сохранить. Ничего не "
        "решено. Попробуйте ещё раз.",
        refused="Отказано: {detail}",
        told_hidden="Скрыто: {title}.",
        told_pinned="Закреплено на месте {rank}: {title}.",
        told_decided="Решено: {title}.",
        told_left="Оставлено на решение CMS: {title}.",
        told_undone="Отменено: {title}.",
        told_slow="Решение сохранено, но в списке его пока нет: подсчёт отстаёт.",
        undo="Отменить",
        no_undo="Вы здесь ещё ничего не решили, отменять нечего.",
        overtaken="После вас решил кто-то другой: {title}. Журнал — на странице материала.",
        keys="Клавиатура",
        key_search="поиск",
        key_next="следующий материал",
        key_previous="предыдущий материал",
        key_open="открыть страницу материала",
        key_hide="скрыть",
        key_pin="закрепить на месте",
        key_undo="отменить своё последнее решение",
        key_help="показать эти клавиши",
        keys_on="Одиночные клавиши работают",
        not_set_up="Скрывать и закреплять на этой странице нельзя: администраторы указывают "
        "адрес коллектора в MOSTREAD_RANKING_COLLECTOR_URL.",
        approved="показывать, даже если читают немногие",
        few="мало посетителей",
        few_how="{share} % рассмотренных просмотров — от десяти посетителей",
        quarantined="придержано",
        log="Решения",
        log_for="Здесь редакторы видят, кто, что, когда и почему решил.",
        log_empty="Об этом материале ничего не решали.",
        log_more="Более старые решения — в API.",
        nobody="удаление без имени",
        said_hidden="скрыто",
        said_listed="показывать, что бы ни говорила CMS",
        said_pinned="закреплено на месте {rank}",
        said_unpinned="не закреплено, что бы ни говорила CMS",
        said_embargo="не показывать до {time}",
        said_expires="не показывать с {time}",
        said_approved="показывать, даже если читают немногие",
        said_until="действует до {time}",
        said_nothing="оставлено на решение CMS",
        said_undoes="отменяет решение от {time}",
        take_back="Отменить",
        bring_back="Вернуть то, что было до этого",
        ranks="Место",
        ranks_by="По просмотрам за 24 часа на конец каждого часа, что бы ни закрепили и ни скрыли.",
        rank_last="{time}: место {rank}.",
        rank_none="{time}: ниже места {rank}.",
        rank_best="Лучшее: {rank} ({time}).",
        rank_never="За последние 48 часов материала не было среди первых {rank}.",
        rank="место",
        hour="час",
    ),
    "kk": DeskWords(
        search="Іздеу",
        search_for="Тақырып немесе id",
        find="Табу",
        nothing_found="Ештеңе табылмады",
        nothing_found_why="Бұл тізімде тақырыбында не id-інде «{q}» бар мақала жоқ.",
        search_all_time="Барлық уақыттан іздеу",
        sign_in="Редакторларға",
        sign_out="Шығу",
        enter="Кіру",
        bearer="Токен",
        bearer_how="Мақалаларды жасыру және бекіту үшін сіздің атыңызға токен керек. Оны "
        "әкімшілер жасайды: mostread token create АТЫ --role editor",
        bearer_kept="Ол осы қойындыда сақталады, оны жапқанда ұмытылады.",
        cancel="Болдырмау",
        close="Жабу",
        hide="Жасыру",
        pin="Бекіту",
        decide="Шешу",
        reading="Не шешілгенін оқып жатырмыз …",
        in_list="Тізімде",
        as_cms="CMS айтқандай",
        hidden="жасырылған",
        listed="CMS жасырса да көрсетілсін",
        pin_to="Мына орынға бекіту",
        pin_how="1-ден 100-ге дейін. Бос: CMS айтқандай. 0: CMS бекітсе де, ешбір орынға емес.",
        embargo="Мұнан бұрын көрсетілмесін",
        expires="Осы кезден көрсетілмесін",
        until="Мұның бәрі мынаған дейін күшінде",
        times_in="Уақыт белдеуі: {zone}.",
        reason="Неге",
        reason_how="Әріптестеріңіз мұны журналдан оқиды.",
        leave="CMS шешіміне қалдыру",
        bearer_unknown="Бұл токен мұнда белгісіз.",
        bearer_role="Бұл редактордың токені емес.",
        away="Сервис қолжетімсіз. Қайта көріңіз.",
        collector_away="{collector} қолжетімсіз немесе қазір ештеңе сақтай алмайды. Ештеңе "
        "шешілген жоқ. Қайта көріңіз.",
        refused="Қабылданбады: {detail}",
        told_hidden="Жасырылды: {title}.",
        told_pinned="{rank}-орынға бекітілді: {title}.",
        told_decided="Шешілді: {title}.",
        told_left="CMS шешіміне қалдырылды: {title}.",
        told_undone="Қайтарылды: {title}.",
        told_slow="Шешім сақталды, бірақ тізімде әлі жоқ: санау кешігіп тұр.",
        undo="Қайтару",
        no_undo="Сіз мұнда әлі ештеңе шешпедіңіз, қайтаратын ештеңе жоқ.",
        overtaken="Сізден кейін басқа біреу шешті: {title}. Журнал мақала бетінде.",
        keys="Пернетақта",
        key_search="іздеу",
        key_next="келесі мақала",
        key_previous="алдыңғы мақала",
        key_open="мақала бетін ашу",
        key_hide="жасыру",
        key_pin="орынға бекіту",
        key_undo="соңғы шешіміңізді қайтару",
        key_help="осы пернелерді көрсету",
        keys_on="Жеке пернелер жұмыс істейді",
        not_set_up="Бұл бетте жасыру мен бекіту бапталмаған: әкімшілер коллектор мекенжайын "
        "MOSTREAD_RANKING_COLLECTOR_URL арқылы береді.",
        approved="аз адам оқыса да көрсетілсін",
        few="келуші аз",
        few_how="қаралған қаралымның {share} %-ы он келушіден",
        quarantined="ұсталып тұр",
        log="Шешімдер",
        log_for="Мұнда редакторлар кім, нені, қашан және неге шешкенін көреді.",
        log_empty="Бұл мақала туралы ештеңе шешілмеген.",
        log_more="Ескірек шешімдер API-де.",
        nobody="атаусыз жою",
        said_hidden="жасырылған",
        said_listed="CMS не десе де көрсетілсін",
        said_pinned="{rank}-орынға бекітілген",
        said_unpinned="CMS не десе де, бекітілмеген",
        said_embargo="{time} дейін көрсетілмейді",
        said_expires="{time} бастап көрсетілмейді",
        said_approved="аз адам оқыса да көрсетілсін",
        said_until="{time} дейін күшінде",
        said_nothing="CMS шешіміне қалдырылған",
        said_undoes="мына уақыттағы шешімді қайтарады: {time}",
        take_back="Қайтарып алу",
        bring_back="Бұған дейінгіні қайтару",
        ranks="Орны",
        ranks_by="Әр сағат соңындағы 24 сағаттық қаралым бойынша, бекітілгені мен жасырылғаны "
        "есепсіз.",
        rank_last="{time}: {rank}-орын.",
        rank_none="{time}: {rank}-орыннан төмен.",
        rank_best="Ең жақсысы: {rank} ({time}).",
        rank_never="Соңғы 48 сағатта алғашқы {rank} мақаланың қатарында болмады.",
        rank="орын",
        hour="сағат",
    ),
}
