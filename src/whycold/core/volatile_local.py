"""Dates and times as other languages than English write them, as patterns.

Chinese, Japanese and Korean put a sign behind each number, and nothing between a word and a date;
European languages name the month. Numbers alone (22.11.2026) are the same everywhere.
"""

from __future__ import annotations

__all__ = ["LOCAL_DATE", "LOCAL_DAY", "LOCAL_TIME", "NAMED_DATE", "SHORT_DATE"]

_YEAR = r"(?:(?:19|20)\d\d|(?:令和|民[國国]) ?\d{1,3})"
_WEEKDAY = (
    r"(?:(?:星期|周|週|礼拜|禮拜)[一二三四五六日天]|[日月火水木金土]曜日?|[일월화수목금토]요일)"
)
_IN_BRACKETS = (
    rf"(?: ?[((](?:{_WEEKDAY}|[日月火水木金土一二三四五六일월화수목금토])[))]| ?{_WEEKDAY})?"
)
_SIGNED_DATE = (
    rf"(?:{_YEAR} ?[年년] ?)?(?:1[0-2]|0?[1-9]) ?[月월] ?(?:[12]\d|3[01]|0?[1-9]) ?[日号號일]"
    rf"{_IN_BRACKETS}"
)
_MONTHS = (
    r"(?i:janv(?:ier|\.)|f[ée]vr(?:ier|\.)|mars|avril|mai|juin|juil(?:let|\.)|ao[ûu]t|septembre"
    r"|octobre|novembre|d[ée]cembre"
    r"|j[äa]n(?:uar|ner)|februar|m[äa]rz|juni|juli|oktober|dezember"
    r"|enero|febrero|marzo|abril|mayo|junio|julio|agosto|sep?tiembre|octubre|noviembre|diciembre"
    r"|gennaio|febbraio|aprile|maggio|giugno|luglio|settembre|ottobre|dicembre"
    r"|janeiro|fevereiro|março|maio|junho|julho|setembro|outubro|novembro|dezembro"
    r"|januari|februari|maart|mei|augustus|december"
    r"|января|февраля|марта|апреля|мая|июня|июля|августа|сентября|октября|ноября|декабря)"
)
_DAYS = (
    r"(?i:lundi|mardi|mercredi|jeudi|vendredi|samedi|dimanche"
    r"|montag|dienstag|mittwoch|donnerstag|freitag|samstag|sonnabend|sonntag"
    r"|lunes|martes|mi[ée]rcoles|jueves|viernes|s[áa]bado|domingo"
    r"|luned[ìi]|marted[ìi]|mercoled[ìi]|gioved[ìi]|venerd[ìi]|sabato|domenica"
    r"|(?:segunda|ter[çc]a|quarta|quinta|sexta)-feira"
    r"|maandag|dinsdag|woensdag|donderdag|vrijdag|zaterdag|zondag"
    r"|понедельник|вторник|среда|четверг|пятница|суббота|воскресенье)"
)
_NAMED_DATE = (
    rf"(?:{_DAYS},? (?:den |le |el )?)?(?:[12]\d|3[01]|0?[1-9])(?:er|\.|º)? (?:de )?{_MONTHS}"
    r" (?:del? )?(?:19|20)\d\d"
)
_HALF = r"(?:上午|下午|午前|午後|凌晨|晚上|早上|中午|오전|오후)"
_SIGNED_CLOCK = r"(?:[01]?\d|2[0-3]) ?[时時点點시] ?(?:[0-5]?\d ?[分분](?: ?[0-5]?\d ?[秒초])?|半)?"
_CLOCK = r"(?:[01]?\d|2[0-3])[::][0-5]\d(?:[::][0-5]\d)?"

# what a date or time can begin with, so that no more is tried elsewhere
_BEGINS = r"(?=[\d令民上下午凌晚早中오])(?<![\d.])"

LOCAL_DATE = rf"{_BEGINS}{_SIGNED_DATE}"
"""A day with its month, each with its sign."""
NAMED_DATE = rf"\b{_NAMED_DATE}(?!\w)"
"""A day with its month's name and its year."""
LOCAL_TIME = (
    rf"{_BEGINS}(?:{_SIGNED_DATE},? ?{_HALF}? ?(?:{_SIGNED_CLOCK}|{_CLOCK})"
    rf"|{_HALF} ?(?:{_SIGNED_CLOCK}|{_CLOCK})"
    r"|(?:[01]?\d|2[0-3]) ?[時时시] ?[0-5]?\d ?[分분](?: ?[0-5]?\d ?[秒초])?)"
)
"""A time of a day, with the day or alone."""
LOCAL_DAY = rf"(?:今天|今日|本日|오늘)(?:是|は|은)?:? ?(?P<v>{_WEEKDAY})"
"""A weekday that the text says is today's."""
SHORT_DATE = (
    r"(?i:\b(?:date|datum|fecha|data|today|heute|hoy|oggi|hoje|vandaag|aujourd'hui)\b)[\"']?"
    r"(?:[:=]| is| ist| es)?(?: (?:der|el|le|il))? ?[\"']?"
    r"(?P<v>(?:[12]\d|3[01]|0?[1-9])([./-])(?:[12]\d|3[01]|0?[1-9])\2\d\d)(?![\w./-])"
)
"""A date of six digits, where the text says that it is one."""
