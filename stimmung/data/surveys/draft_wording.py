"""Wordings for a draft: without what was written for the interviewer, and in a form in which words can be compared."""

import re
import unicodedata
from collections.abc import Mapping

# What a questionnaire says to the interviewer, in the languages of large surveys.
_INSTRUCTION = (
    r"do not read|don't read|read (out|list|aloud|all)|show ?card|hand ?card|card \w+$|probe|rotate|randomi[sz]e|if necessary|"
    r"prog(rammer)?:|interviewer|volunteered|code (one|all)|mark (one|all)|spontaneous|"
    r"nicht vorlesen|vorlesen|int\.?:|karte \w+$|liste \w+$|vorlegen|spontan|"
    r"ne pas (lire|citer)|enqu[eê]teur|no leer|leer (opciones|alternativas)|entrevistador|encuestador|tarjeta \w+$|"
    r"n[aã]o ler|non leggere|intervistatore|niet voorlezen|enqu[eê]teur|nie czyta[cć]|ankieter|l[aä]s inte|l[aæ]s ikke"
)
_BRACKETED = re.compile(r"[\[(<{]([^\[\](){}<>]*)[\])>}]")
_SPEAKER = (
    r"interviewer(s|in)?(anweisung| instruction| note)?|int\.?|iwer|prog(rammer)?|enqu[eê]teur|entrevistador(a)?|"
    r"encuestador(a)?|intervistatore|ankieter"
)
_TO_INTERVIEWER = re.compile(rf"(?:^|(?<=[.?!:;])\s+)(?:{_SPEAKER})\s*:[^.?!]*(?:[.?!]+|$)", re.IGNORECASE)
_SHOUTED = re.compile(
    r"(?:^|(?<=[.?!:;])\s+)(?:DO NOT READ|READ OUT|SHOW ?CARD|HAND ?CARD|CARD|KARTE|LISTE|STILL CARD|PROBE|NO LEER|"
    r"NICHT VORLESEN)\b[^.?!a-z]*(?:[.?!;:]+|$)|^(?:SHOW ?CARD|CARD|KARTE|LISTE) \d+\w?\W"
)
# "Q1.", "Q12a:", "F3)", "V201231x -", "Q.5 ", "A12_3: ", "Frage 4."
_NUMBERED = re.compile(
    r"^\s*(?:(?:[A-Za-z]{1,4}\.?\d+[A-Za-z]?(?:[_.-]\d+)*[a-z]?|(?:Question|Frage|Pregunta|Item)\s+\d+\w*)\s*[.:)\]–-]+|"
    r"Q\.?\s?\d+\w?)\s+"
)


def spoken(text: str) -> str:
    """Return a wording without question numbers and interviewer's text; unchanged if nothing else would be left."""
    kept = _BRACKETED.sub(lambda found: " " if _is_instruction(found[1]) else found[0], text)
    kept = _NUMBERED.sub("", kept.strip())
    kept = _SHOUTED.sub("", _TO_INTERVIEWER.sub("", kept))
    kept = re.sub(r"^[–;-]+(?!\d)|[ –;-]+$", "", " ".join(kept.split())).strip()
    return kept if re.search(r"\w", kept) else " ".join(text.split())


def without_codes(labels: Mapping[str, str]) -> dict[str, str]:
    """Return value labels by code without the code at their beginning: "1. Yes", or "1 Yes" if every label begins with its own."""
    marked = _bare(labels, r"\s*(?:[\])]|\.(?!\d)|[:=–-])+\s+")
    spaced = _bare(labels, r"\s+")
    bare = marked if 2 * len(marked) > len(labels) else spaced if len(spaced) == len(labels) else {}
    changed = {code: bare.get(code, label) for code, label in labels.items()}
    return changed if len(set(changed.values())) == len(set(labels.values())) else dict(labels)


def _bare(labels: Mapping[str, str], after: str) -> dict[str, str]:
    found = {
        code: re.match(rf"[\[(]?\s*{re.escape(code)}{after}(?=\S)", label) for code, label in labels.items()
    }
    return {code: labels[code][match.end() :] for code, match in found.items() if match}


def folded(text: str) -> str:
    """Return words for comparison: lower case, no accents, one kind of apostrophe, single spaces."""
    letters = unicodedata.normalize("NFKD", text.casefold().translate(_LETTERS))
    return " ".join("".join(letter for letter in letters if not unicodedata.combining(letter)).split())


def plain(text: str) -> str:
    """Return :func:`folded` words without a code in front: "8", "(8)", "-8." or "8 ="."""
    return re.sub(r"^\W*-?\d+\s*[\])]?\s*[.:=)–-]+\s+|^\W*-?\d+\s+(?=\D)", "", folded(text))


# Letters that Unicode does not decompose, and the apostrophes that word processors set.
_LETTERS = str.maketrans(
    {"’": "'", "‘": "'", "´": "'", "`": "'", "ł": "l", "ø": "o", "æ": "ae", "đ": "d", "œ": "oe"}
)


def _is_instruction(text: str) -> bool:
    """Return whether text in brackets is for the interviewer: by its words, or shouted."""
    shouted = len(text.split()) > 1 and text.isupper() and len(text) > 6
    return shouted or re.search(rf"\b(?:{_INSTRUCTION})", text, re.IGNORECASE) is not None
