"""Which codes of a column are probably no answers: by their labels, in the languages of large surveys, or by their numbers."""

import re
from collections.abc import Collection, Sequence
from itertools import pairwise

from stimmung.data.surveys.draft_wording import plain
from stimmung.vocabulary.answer_options import MissingReason

# Words without accents and in lower case, as `plain` returns them. How archives label absent answers, in English, German, French,
# Spanish, Portuguese, Italian, Dutch, Polish, Czech, Hungarian, Romanian, the Nordic languages, Turkish, Russian, Ukrainian, Greek,
# Chinese, Japanese and Korean. The first reason that fits is proposed.
_PHRASES = {
    MissingReason.REFUSED: (
        r"refus(ed|al|es|e|ing)?( to (answer|say|respond))?|(would |i )?prefer(s|red)? not( to)? (say|answer|"
        r"disclose|respond|state)|"
        r"(would |i'd )?rather not (say|answer)|declined?s?( to (answer|say|state|respond))?|"
        r"(do not|don't|does not) (wish|want) to (answer|say|respond)|no answer given|(item )?verweiger(t|ung)|"
        r"(die )?(antwort|auskunft) verweiger(t|ung)|keine angaben?|mochte (ich )?(dazu )?(nicht|keine angaben?) \w+|"
        r"mochte (ich )?nicht|will (ich )?nicht sagen|"
        r"refus de repondre|(a )?refuse( de repondre)?|(ne )?(souhaite|veut|veux|desire) pas (repondre|le dire)|"
        r"prefer(e|er)? ne pas (le )?(repondre|dire)|rehus(a|o|ado)( contestar| responder)?|se (niega|"
        r"nego)( a (contestar|responder))?|"
        r"prefier(e|o) no (contestar|responder|decir)(lo)?|no (quiere|desea) (contestar|responder)|"
        r"rechaza( contestar| responder)?|"
        r"recus(a|ou)(-se)?( a)?( responder)?|prefer(e|o|iu) nao (responder|dizer)|prefiro nao (responder|dizer)|"
        r"nao quer(o)? responder|(si )?rifiut(a|o|ato)( di rispondere)?|preferisc[eo] non (rispondere|dirlo)|"
        r"non (vuole|voglio) rispondere|"
        r"weiger(t|ing|de|en)?|geweigerd|(wil|zeg) (ik )?(het )?(liever )?niet( zeggen)?|liever niet( zeggen)?|"
        r"odmow(a|il|ila|iono)( udzielenia)?( odpowiedzi)?|odmawia( odpowiedzi)?|odmitl(a)?|nechce odpovedet|"
        r"valaszmegtagadas|"
        r"nem (valaszol|kivan valaszolni)|refuza( sa raspunda)?|vill (ej|inte) (svara|uppge|saga)|vagra(r|n|de)?|"
        r"(vil|onsker) ikke( at| a)? (svare|oplyse|oppgi|sige|si)|nekte[rt]?|kieltayty[iy]|ei halua (vastata|sanoa)|"
        r"cevap vermek istemiyor(um)?|отказ( от ответа)?|отказываюсь отвечать|відмова( від відповіді)?|αρνηση|"
        r"δεν απαντω|拒答|拒绝回答|無回答|응답 ?거절"
    ),
    MissingReason.DONT_KNOW: (
        r"(i )?(really )?(do not|don't|dont|does not|doesn't) (know|remember|recall)( yet)?|"
        r"(i )?(can't|cannot|can not|couldn't) (choose|say|tell|decide|remember|recall)|hard to say|"
        r"difficult to say|(i am |i'm )?not sure|"
        r"unsure|haven't thought( much)?( about (this|it))?|"
        r"no opinion|no idea|(ich )?weiss (ich )?(es )?(noch )?nicht|kann (ich )?nicht sagen|keine meinung|"
        r"kann (ich )?(das )?nicht (beurteilen|einschatzen)|(je )?(ne )?sai[st] pas|sans opinion|pas d'(avis|opinion)|"
        r"(ne )?(me |se )?souvien[st] pas|no (lo )?(sabe|se)|no (lo )?recuerda|no sabria decir|(no tiene|"
        r"sin) opinion|nao (sabe|sei)|"
        r"nao (se )?(lembra|recorda)|sem opiniao|non (lo )?(sa|so)|non ricord[ao]|non saprei|nessuna opinione|"
        r"weet (ik )?(het )?(nog )?niet|"
        r"geen (mening|idee)|nie (wiem|wie)|trudno powiedziec|nie pamieta(m)?|nie mam zdania|nevi(m)?|"
        r"nem tudj?(a|om)|nu stiu|"
        r"vet (ej|inte)|ingen (asikt|uppfattning|mening)|ved ikke|vet ikke|(en|ei) osaa sanoa|(en|ei) tieda|"
        r"bilmiyor(um)?|fikrim yok|"
        r"не знаю|затрудняюсь ответить|важко (сказати|відповісти)|δεν (ξερω|γνωριζω)|不知道|わからない|分からない|모름|모르겠다"
    ),
    MissingReason.FILTER: (
        r"trifft nicht zu|(legitimate |valid )?skip(ped)?|filter(ed|fuhrung)?|(logical )?skip|routed (out|"
        r"around)|inap(p|plicable)?"
    ),
    MissingReason.NOT_APPLICABLE: (
        r"not applicable|does not apply|(question )?not (asked|administered|used)( in .*)?|"
        r"not in (this )?(sample|panel|wave|split|country)|"
        r"no post( election)? ?(interview|iw|data)?|no pre( election)? ?(interview|iw|data)?|"
        r"(frage )?nicht (teilgenommen|zutreffend|erhoben|gefragt|gestellt|in auswahl)|"
        r"entfallt|(split|modus)|(non|sans) (applicable|objet)|(non |pas )concerne(e)?|ne s'applique pas|"
        r"no (aplica(ble)?|procede|corresponde|preguntad[ao])|"
        r"nao (se )?aplica(vel)?|non (applicabile|pertinente|si applica)|inapplicabile|niet van toepassing|"
        r"nie dotyczy|netyka se|"
        r"nem vonatkozik|nu se aplica|(ej|inte) (tillampligt|relevant|aktuellt)|ikke (relevant|aktuelt|aktuel)|ei sovellu|"
        r"не применимо|не стосується|不适用|不適用|非該当|해당 ?없음"
    ),
    MissingReason.NO_ANSWER: (
        r"no (answer|response|data)|non[- ]?response|item non[- ]?response|(system |user )?missing( value|"
        r" data)?|left blank|"
        r"not (ascertained|available|stated|reported|answered|given|recorded|codable|provided|specified)|"
        r"invalid (answer|response)|"
        r"(interview )?(breakoff|break-off)|technical error|uncod(e)?able|unspecified|keine antwort|ohne angabe|"
        r"nicht beantwortet|"
        r"(interview )?abgebrochen|fehler in daten|fehlende?r? ?(wert|angabe)?|(nicht )?(feststellbar|"
        r"ermittelbar)|unzulassige mehrfach\w*|"
        r"(sans|pas de|non[- ]?) ?reponse|manquant(e)?|ne se prononce pas|no (contesta|responde|contesto|"
        r"respondio|especificado)|"
        r"sin (respuesta|datos?)|nao (responde|respondeu|resposta)|sem resposta|non (risponde|risposta|indicato|"
        r"disponibile)|"
        r"nessuna risposta|mancante|geen (antwoord|opgave)|ontbreekt|niet ingevuld|brak (odpowiedzi|danych)|"
        r"neodpovedel(a)?|bez odpovedi|"
        r"nincs valasz|(nu raspunde|non raspuns)|(inget|ej|uteblivet) svar|(ej|inte) besvarat|(uppgift|"
        r"svar) saknas|intet svar|"
        r"(ikke )?(ubesvar(e)?t|besvart|uoplyst)|ei vasta(usta|nnut)|cevap yok|нет ответа|немає відповіді|"
        r"δεν απαντα|无回答|無答|무응답"
    ),
}
# Only as the whole label, or a part of it between slashes or commas: inside words they mean nothing.
_ABBREVIATIONS = {
    MissingReason.REFUSED: r"ref|rf|r|k\.? ?a\.?|rehusa",
    MissingReason.DONT_KNOW: r"d\.?k\.?|dnk|n\.?s\.?|nsp|ns/nr|w\.? ?n\.?|wn|kdk|tm|eos",
    MissingReason.FILTER: r"iap",
    MissingReason.NOT_APPLICABLE: r"nap|n\.?v\.?t\.?|n\.? ?z\.?",
    MissingReason.NO_ANSWER: r"n\.?a\.?|n\.?c\.?|n\.?r\.?|nav|nspp|#null!|\.|-|\.[a-z]|\?+",
}
_NOISE = re.compile(
    r"\b(spontaneous(ly)?|spont|vol|volunteered|unprompted|do not read|don't read|not read|spontan|"
    r"nicht vorlesen|espontaneo|no leer|"
    r"ne pas lire|nao ler|non leggere|niet voorlezen|respondent|response|r|item|code[sd]?( only)?)\b\.?"
)
# Answers to some questions, absent to others: kept, and asked about.
_DOUBTFUL = re.compile(
    r"none( of (these|the above|them))?|nothing|(still )?undecided|haven't decided( .*)?|uncertain|"
    r"no preference|unknown|"
    r"unentschlossen|unbekannt|keine?[rs]?( davon| von (diesen|beiden))?|nichts davon|aucune?( de ceux-ci|"
    r" des deux)?|indecis(e|o|a)?|"
    r"ningun[oa]?( de (estos|ellos|los anteriores))?|nada|nenhum[a]?( deles)?|nessun[oa]?( di questi)?|"
    r"geen( van (deze|beide))?|"
    r"zad(en|na|ne)( z nich)?|ing(en|a|et)( av dem| af disse)?|neither|weder noch|not eligible|nicht wahlberechtigt"
)
_LIKE_AN_ANSWER = {"trifft nicht zu": "trifft", "does not apply": "appl", "ne s'applique pas": "appliqu"}
# 6 or 66, 7 or 77 or 97, …: the codes that the European Social Survey, Pew and most institutes give to absent answers.
_SENTINEL = re.compile(r"([6-9])\1*|9+[5-9]|98+")
_REASON_BY_DIGIT = {
    "6": MissingReason.NOT_APPLICABLE,
    "7": MissingReason.REFUSED,
    "8": MissingReason.DONT_KNOW,
}


def reason_in(label: str) -> MissingReason | None:
    """Return why an answer with this label is absent, if all of the label says so."""
    text = re.sub(r"\bn/a\b", "na", re.sub(r"\bd/k\b", "dk", _words(label)))
    parts = [part.strip(" .:*'\"") for part in re.split(r"[/;,()\[\]{}|]| or | oder | ou | and | - ", text)]
    said = [part for part in parts if re.search(r"\w", _NOISE.sub("", part)) or _whole(part)]
    found = [_whole(part) or _whole(" ".join(_NOISE.sub(" ", part).split())) for part in said] or [
        _whole(text)
    ]
    return None if None in found else found[0]


def reason_within(label: str) -> MissingReason | None:
    """Return why an answer may be absent, if its label says so somewhere: "refused to name a party"."""
    text = _words(label)
    found = (reason for reason, words in _PHRASES.items() if re.search(rf"(?<!\w)(?:{words})(?!\w)", text))
    parts = (_whole(part.strip()) for part in re.split(r"[/;,.]\s*", text))
    return next(found, None) or next((reason for reason in parts if reason), None)


def is_doubtful(label: str, others: Collection[str] = ()) -> bool:
    """Return whether a label may be an answer or not: "none", or an absent answer's words beside others."""
    return (
        _DOUBTFUL.fullmatch(plain(label)) is not None
        or reason_within(label) is not None
        or is_end_of_scale(label, others)
    )


def is_end_of_scale(label: str, others: Collection[str]) -> bool:
    """Return whether "does not apply" is an answer, because others of the ``others`` say how far it applies."""
    word = _LIKE_AN_ANSWER.get(plain(label))
    return word is not None and any(word in plain(other) for other in others if plain(other) != plain(label))


def missing_numbers(numbers: Sequence[float], choosable: Collection[float]) -> dict[float, MissingReason]:
    """Return those of ``choosable`` that are probably missing codes, among all ``numbers`` of a column, by convention.

    These are negative codes beside others that are not, unless the numbers are a scale around 0; and 7, 8, 9, 77, 88, 99, 97 to
    99, 997 to 999 and so on, if they are apart from all others.
    """
    found = {number: _by_digits(number) for number in _negative(numbers) if number in choosable}
    rest = sorted(set(numbers) - set(found) - set(_negative(numbers)))
    valid = rest
    while valid and valid[-1] in choosable and _is_sentinel(valid[-1]):
        valid = valid[:-1]
    # All that could be missing codes come off, then those that continue the others without a gap go back.
    while len(valid) < len(rest) and not _is_apart(rest[len(valid)], valid):
        valid = rest[: len(valid) + 1]
    apart = rest[len(valid) :]
    # A lone 6 is rather the end of a scale whose 5 nobody chose.
    if len(valid) >= 2 and any(int(number) % 10 != 6 for number in apart):
        found |= {number: _by_digits(number) for number in apart}
    return found


def _words(label: str) -> str:
    # Where an apostrophe was lost on the way: "don t", "don?t".
    return re.sub(r"\b(do|ca|wo|have)n.?t\b", r"\1n't", plain(label))


def _whole(text: str) -> MissingReason | None:
    for words in (_PHRASES, _ABBREVIATIONS):
        for reason, pattern in words.items():
            if re.fullmatch(pattern, text):
                return reason
    return None


def _negative(numbers: Sequence[float]) -> list[float]:
    negative = [number for number in numbers if number < 0]
    positive = [number for number in numbers if number > 0]
    if not positive or any(not number.is_integer() for number in negative):
        return []
    around_zero = len(negative) == -min(numbers)
    if around_zero and (
        min(numbers) == -max(numbers) or (0 in numbers and -min(numbers) >= max(numbers) / 2)
    ):
        return []
    known = all(-number <= 9 or 66 <= -number <= 99 or _is_sentinel(-number) for number in negative)
    return negative if known else []


def _is_sentinel(number: float) -> bool:
    return number.is_integer() and _SENTINEL.fullmatch(str(int(number))) is not None


def _is_apart(number: float, valid: Sequence[float]) -> bool:
    """Return whether a number stands further from the valid ones than they do from each other."""
    # 55 is "other" in the European Social Survey, far from the rest and an answer.
    valid = [one for one in valid if one < 10 or len(set(f"{one:g}")) > 1]
    if len(valid) < 2:
        return False
    gaps = [high - low for low, high in pairwise(valid)]
    apart = number - valid[-1]
    is_run = valid[0] in (0, 1) and max(gaps) == 1
    if number < 10:
        return apart > 1 and is_run
    return apart > max(gaps) and (is_run or apart >= 5)


def _by_digits(number: float) -> MissingReason:
    digit = str(int(abs(number)))[-1]
    return (
        _REASON_BY_DIGIT.get(digit, MissingReason.NO_ANSWER)
        if _is_sentinel(abs(number))
        else MissingReason.NO_ANSWER
    )
