"""Whether answer options have an order: by their labels, in the languages of large surveys, or by their numbers."""

import re
from collections.abc import Callable, Collection, Iterable, Sequence
from functools import partial
from itertools import pairwise
from typing import TypeAlias

from stimmung.data.surveys.draft_wording import folded, plain

_MOSTLY = 0.7  # of a scale's numbers must occur; a choice
_Score: TypeAlias = Callable[[str], float | None]

# Words as `plain` returns them: lower case, without accents. Each list is read from the top, and the first that is found counts. The
# numbers only say which is more; options are taken as ordered if all of them have one and no two the same.
_DEGREES = [
    (-4.0, r"not at all|none at all|nothing at all|at all|uberhaupt (nicht|keine?)|gar (nicht|keine?)|(pas|rien|"
           r"point) du tout|nada|en absoluto|"
           r"de modo (nenhum|algum)|per (niente|nulla)|nulla|niente|helemaal (niet|geen)|wcale|inte alls|"
           r"slet ikke|overhode[td] ikke|ikke i det hele"),
    (-2.0, r"not \w+ (very|too) much|not (very|too|much|particularly|so|really|that)|hardly|only a little|nicht (sehr|besonders|so)|"
           r"eher (nicht|kein)|weniger|kaum|wenig|"
           r"pas (tres|vraiment|beaucoup|trop)|plutot pas|peu|(no )?(muy )?poco|no muy|pouco|nao muito|"
           r"non molto|niet (erg|zo|zeer)|weinig|"
           r"niezbyt|malo|raczej nie|inte (sarskilt|sa)|ikke (saerlig|sa)"),
    (5.0, r"extremely|complete(ly)?|totally|absolute(ly)?|strongly|full(y)?|entirely|definitely|voll(ig|kommen|"
          r"standig)?( und ganz)?|ganz|"
          r"tout a fait|totalement|fortement|absolument|completamente|totalmente|plenamente|muito fortemente|"
          r"fortemente|volledig|helemaal|"
          r"calkowicie|zdecydowanie|bardzo silnie|helt|fuldstaendig|starkt|excellent|ausgezeichnet|excelente|"
          r"eccellente|uitstekend|doskona\w+"),
    (2.5, r"quite|mostly|largely|generally|uberwiegend|probably|wahrscheinlich|probable\w*"),
    (4.0, r"very|much|a lot|lots|great deal|strong|sehr|tres|beaucoup|muy|mucho|muito|molto|zeer|heel|veel|erg|"
          r"bardzo|mycket|meget|veldig|svaert"),
    (2.0, r"somewhat|rather|fairly|tend(s)? to|moderately|lean\w*|some|eher|ziemlich|plutot|assez|mas bien|"
          r"bastante|algo|tende|"
          r"abbastanza|piuttosto|tamelijk|nogal|eerder|raczej|dosc|ganska|ratt|ganske|delvist?|tendentiell"),
    (1.0, r"slightly|a little|a bit|etwas|ein wenig|un peu|un poco|um pouco|un po'?|een beetje|troche|lite grann|lidt|litt"),
]  # fmt: skip
_NEGATIVE = (
    r"disagree\w*|dis(satisf\w+|approv\w+|trust\w*)|unsatisf\w+|un(likely|important|safe|happy|fair|interested)|"
    r"oppos\w+|against|bad(ly)?|poor(ly)?|"
    r"negative(ly)?|worse|less|fewer|decrease\w*|down|difficult|hard|weak|low|left|liberal|lehne|ablehn\w*|"
    r"dagegen|unzufrieden|schlecht|unwichtig|"
    r"schlechter|links|niedrig|unwahrscheinlich|insatisfait\w*|mecontent\w*|mauvais\w*|mal|defavorable|contre|"
    r"pire|moins|gauche|desacuerdo|insatisfech\w*|"
    r"malo|mala|en contra|peor|menos|izquierda|discord\w+|insatisfeit\w*|mau|ma|pior|esquerda|disaccordo|"
    r"insoddisfatt\w*|cattiv\w+|pegg\w+|contrari\w+|"
    r"sfavorevole|sinistra|meno|oneens|ontevreden|slecht|slechter|minder|tegen|nie zgadzam|niezadowolon\w*|zle|"
    r"gorzej|przeciw\w*|missnojd|dalig\w*|samre|"
    r"darlig\w*|utilfreds|misfornoyd|uenig|vaerre|verre|vanster|venstre|emot|imot|not (agree|satisfied|"
    r"important|interested|likely)"
)
_POSITIVE = (
    r"agree\w*|satisf\w+|favou?r\w*|support\w*|approv\w+|good|well|likely|important|interested|positive(ly)?|"
    r"trust\w*|better|more|increase\w*|up|safe|"
    r"easy|happy|high|fair|concerned|worried|confident|close|proud|right|conservative|true|zutreffend|stimme|"
    r"trifft|zufrieden|gut|wichtig|interessiert|stark|hoch|"
    r"besser|mehr|dafur|rechts|wahrscheinlich|accord|satisfait\w*|bien|bon(ne)?|favorable|important\w*|mieux|"
    r"plus|droite|acuerdo|satisfech\w*|buen\w*|"
    r"a favor|mejor|mas|importante|derecha|concord\w+|satisfeit\w*|bom|boa|melhor|mais|direita|accordo|"
    r"soddisfatt\w*|buon\w*|meglio|piu|favorevole|destra|"
    r"eens|tevreden|goed|belangrijk|beter|meer|voor|zgadzam|zadowolon\w*|dobr\w+|lepiej|wazn\w+|instammer|nojd|"
    r"bra|battre|viktigt?|enig|god\w*|tilfreds|"
    r"fornoyd|bedre|hoger|hojre|hoyre"
)
_MIDDLE = (
    r"neither|nor|neutral\w*|(about |much )?the same|same|stayed|stays|unchanged|teils|weder|unentschieden|"
    r"mittel\w*|gleich|unverandert|indifferen\w+|"
    r"ni|nem|ne .* ne|moyen\w*|igual|noch|ani|varken|hverken|verken|moderate|middle|cent(er|re|rist)|average|"
    r"mixed|medium|about right|just right|depends|mitte|"
    r"regular|normal|both"
)
_NOT = r"\b(not|nicht|kein\w*|pas|no|non|nao|niet|nie|inte|ej|ikke)\b"
_NOTHING = r"none|no|not|kein\w*|nicht|aucun\w*|ningun\w*|nessun\w*|geen|ingen\w*"
_EXCESS = [
    (
        -4.0,
        r"too (little|few|low|small)|zu (wenig|niedrig|schwach|klein)|trop peu|muy poc\w+|demasiado poc\w+|"
        r"troppo poc\w+|te weinig|for lite",
    ),
    (4.0, r"too (much|many|high|big)|zu (viel|hoch|stark|gross)|trop|demasiad\w+|troppo|te veel|for mye"),
    (0.5, r"(only )?fair$"),
]
_FREQUENCIES = [
    (1.0, r"hardly (ever|at all)|(just )?once or twice|almost never|only now and then|very rarely|rarely|seldom|fast nie|selten|"
          r"presque jamais|rarement|casi nunca|rara vez|raramente|quase nunca|"
          r"quasi mai|zelden|bijna nooit|rzadko|prawie nigdy|sallan|sjaeldent|sjelden"),
    (0.0, r"never|nie|niemals|jamais|nunca|jamas|mai|nooit|nigdy|aldrig|aldri"),
    (4.5, r"almost always|nearly always|fast immer|presque toujours|casi siempre|quase sempre|quasi sempre|"
          r"bijna altijd|prawie zawsze|nastan alltid"),
    (4.0, r"most of the time|usually|very often|very frequently|meistens?|sehr (oft|haufig)|tres souvent|"
          r"la plupart du temps|muy a menudo|"
          r"muy frecuentemente|muito frequentemente|molto spesso|heel vaak|bardzo czesto|mycket ofta|meget ofte"),
    (5.0, r"always|all the time|immer|stets|toujours|siempre|sempre|altijd|zawsze|alltid|altid"),
    (2.4, r"(about )?half (of )?the time|several times"),
    (2.0, r"sometimes|some of the time|a few times|occasionally|now and then|from time to time|once in a while|manchmal|"
          r"gelegentlich|ab und zu|parfois|de temps en temps|"
          r"a veces|algunas veces|de vez en cuando|as vezes|a volte|qualche volta|soms|czasami|czasem|ibland|"
          r"nogle gange|av og til|noen ganger"),
    (3.0, r"many times|often|frequently|regularly|haufig|oft|regelmassig|souvent|regulierement|a menudo|frecuentemente|"
          r"frequentemente|spesso|vaak|czesto|ofta|ofte"),
]  # fmt: skip
# Times a year.
_UNITS = [
    (365.0, r"da(y|ily)|taglich|tag|jour(s)?|quotidien\w*|dia(s|rio|riamente)?|giorn\w+|dag(elijks)?|dagligen|codziennie"),
    (52.0, r"week(ly|s)?|woche\w*|semaine\w*|semana\w*|settiman\w+|wekelijks|tydz\w+|vecka\w*|uge\w*|uke\w*"),
    (12.0, r"month(ly|s)?|monat\w*|mois|mes(es)?|mensual\w*|mese|maand\w*|miesiac\w*|manad\w*|maned\w*"),
    (1.0, r"year(ly|s)?|annual\w*|jahr\w*|an(nee)?s?|anos?|anual\w*|anno|jaar\w*|rok\w*|ar(et)?"),
]  # fmt: skip
_MULTIPLES = [
    (0.4, r"less (often|than|frequently)|seltener|weniger|moins|menos|meno|minder|rzadziej|mindre|more rarely"),
    (3.5, r"several|more than once|at least twice|(two|2)( or | to |-)(three|3)|mehrmals|plusieurs|varias|"
          r"piu volte|meerdere|kilka|flera|flere|more than"),
]  # fmt: skip
# Ladders that only confirm the order of the codes: two rungs may be the same here.
_LADDERS = [
    [
        r"no (formal )?(school|educat|qualif)|none|never attended|ohne (schul)?abschluss|kein|aucun|sin estudio|"
        r"ningun|nessun|isced 0",
        r"less than (high|second|lower)|incomplete prim|some prim|primary|elementary|grades? (or less|school)|"
        r"grund|volks|haupt|primaire|primari[ao]|elementare|isced i(?![iv])|isced 1",
        r"some high|lower.?second|middle school|junior high|mittlere|realschul|polytech|college \(?brevet|"
        r"incomplete second|isced ii(?!i)|isced 2|9th|10th",
        r"(?<!post-)(?<!post)(upper.?)?second|high.?school|abitur|hochschulreife|bac(calaureat)?$|vocational|"
        r"lehre|isced iii|isced 3|ged",
        r"some college|some univ|post-?second|associate|junior college|community college|technical|meister|"
        r"fachhochschul|isced iv|isced 4",
        r"bachelor|college|undergrad|licen|diplom|isced v|isced [56]|universit|hochschul|studium|four.year|4.year",
        r"master|graduate|post-?grad|magister|advanced|professional|isced 7",
        r"doctor|ph\.?d|promotion|doktor|isced 8",
    ],
    [r"strong.*dem", r"(not|weak).*dem", r"(ind|lean|near).*dem", r"ind", r"(ind|lean|near).*rep", r"(not|"
     r"weak).*rep", r"strong.*rep"],
    [r"lower.?class|unterschicht|underclass", r"working|arbeiter", r"lower.?middle|"
     r"untere mittel", r"(?<!upper.)(?<!upper)middle|mittelschicht", r"upper.?middle|obere mittel", r"upper|oberschicht"],
]  # fmt: skip
_NUMBER = re.compile(r"\d[\d.,' ]*\d|\d")
_BELOW = (
    r"\b(under|less than|below|up to|unter|bis|weniger als|moins de|jusqu'a|menos de|hasta|meno di|"
    r"minder dan|ponizej)\b|<"
)
_ABOVE = (
    r"\b(over|more than|above|and (more|over|older)|or (more|older|over)|uber|mehr als|und (mehr|alter)|"
    r"plus de|et plus|mas de|o mas|y mas|piu di|meer dan)\b|[>+]"
)


def order_of(labels: Sequence[str]) -> list[int] | None:
    """Return the places of ``labels`` from one end of their scale to the other, the first label's end first; None without an order.

    Labels of degree, agreement, frequency or amount, and bands of numbers, are recognised.
    """
    if len(set(labels)) < 3:
        return None
    words = [plain(label) for label in labels]
    steps = [_all(partial(_rung, ladder), words) for ladder in _LADDERS]
    for scores in (_all(_band, map(folded, labels)), _all(_frequency, words), _all(_degree, words), *steps):
        if scores is not None and len(set(scores)) == len(scores):
            places = sorted(range(len(scores)), key=lambda place: scores[place])
            return places if scores[0] <= scores[-1] else places[::-1]
    # Two steps of a ladder may look the same: then it only confirms the order of the codes.
    for rungs in steps:
        if rungs is not None and len(set(rungs)) >= 3 and (_rises(rungs) or _rises(rungs[::-1])):
            return list(range(len(labels)))
    return None


def is_scale_of_numbers(numbers: Sequence[float], labelled: Collection[float] = ()) -> bool:
    """Return whether whole numbers, in order, are probably a rating scale; ``labelled`` are those with words.

    These are numbers with words at both ends, and numbers without any from 0 to 3 and more, from 1 to 4, 5, 6, 7, 10 or 11, and as far
    below 0 as above. A few may be absent, because nobody chose them.
    """
    if len(numbers) < 3:
        return False
    low, high = numbers[0], numbers[-1]
    if labelled:
        return low in labelled and high in labelled
    spans = (
        (low == 0 and high >= 3) or (low == 1 and high in (4, 5, 6, 7, 10, 11)) or (low < 0 and low == -high)
    )
    return spans and len(numbers) >= _MOSTLY * (high - low + 1)


def _all(score: _Score, labels: Iterable[str]) -> list[float] | None:
    scores = [score(label) for label in labels]
    found = [one for one in scores if one is not None]
    return found if len(found) == len(scores) else None


def _rises(numbers: Sequence[float]) -> bool:
    return all(low <= high for low, high in pairwise(numbers))


def _rung(ladder: Sequence[str], text: str) -> float | None:
    return next(
        (float(rung) for rung, words in enumerate(ladder) if re.search(rf"(?<!\w)(?:{words})", text)), None
    )


def _word(graded: Iterable[tuple[float, str]], text: str) -> float | None:
    return next((value for value, words in graded if re.search(rf"(?<!\w)(?:{words})(?!\w)", text)), None)


def _degree(text: str) -> float | None:
    """Return how far and in which direction: from -5, completely against, to 5, completely in favour."""
    if (excess := _word(_EXCESS, text)) is not None:
        return excess
    degree = _word(_DEGREES, text)
    rest, negative = re.subn(rf"\b(?:{_NEGATIVE})\b", " ", text)
    positive = re.search(rf"\b(?:{_POSITIVE})\b", rest)
    if (negative and positive) or (degree is None and re.search(rf"\b(?:{_MIDDLE})\b", text)):
        return 0.0
    if degree is None and not (negative or positive):
        return -4.0 if re.fullmatch(_NOTHING, text) else None
    size = 3.0 if degree is None else degree
    turned = bool(negative) != (size > 0 and re.search(_NOT, rest) is not None)
    return -size if turned else size


def _frequency(text: str) -> float | None:
    """Return how often: times a year above 10, or a place between never, 0, and always, 5."""
    unit, multiple, named = _word(_UNITS, text), _word(_MULTIPLES, text), _word(_FREQUENCIES, text)
    if unit is None:
        return multiple if multiple is not None and multiple < 1 else named
    number = re.search(r"\d+", text)
    return 10.0 + unit * (multiple or (float(number[0]) if number else 1.0))


def _band(text: str) -> float | None:
    """Return where a band of numbers lies: "18-24", "under $3,000", "65 and older"; a single number is none."""
    found = _NUMBER.findall(text)
    below, above = re.search(_BELOW, text), re.search(_ABOVE, text)
    if not found or not (len(found) > 1 or below or above):
        return None
    number = float(re.sub(r"\D", "", found[0]))
    return number + 0.5 * (bool(above) - bool(below)) if len(found) == 1 else number
