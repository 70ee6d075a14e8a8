"""The same question as different people put it: openings, word order, contractions, abbreviations."""

from __future__ import annotations

import random
import re

_WHAT_IS = re.compile(r"^What (?:is|are|was|were) (?=the |our )")
_ASKING = re.compile(r"^(?:Show|Give me|Find|List|Return|Get|Display|Compute|Calculate)(?: me)? (?:all )?(?=the )")
_SHORT = (
    (r"\bnumber of\b", ("no. of", "# of", "nr of", "count of")),
    (r"\b[Aa]verage\b", ("avg", "mean", "avg.")),
    (r"\bmaximum\b", ("max",)),
    (r"\bminimum\b", ("min",)),
    (r"\bpercentage\b", ("%", "pct", "percent")),
    (r"\bquantity\b", ("qty",)),
    (r"\bwithout\b", ("w/o", "without")),
    (r"\bdepartment\b", ("dept",)),
    (r"\baccording to\b", ("by",)),
)
_OTHER_WORDS = (
    (r"\bhighest\b", ("top", "biggest", "greatest", "largest")),
    (r"\blowest\b", ("smallest", "least")),
    (r"\bHow many (.+?) are there\b", (r"How many \1 do we have", r"How many \1 exist", r"How many \1 can you find")),
    (r"^Which (\w+s) have\b", (r"What \1 have", r"Which of the \1 have", r"Which of our \1 have")),
    (r"\bmore than\b", ("over", "greater than", "in excess of")),
    (r"\bfor each\b", ("per", "for every", "by")),
    (r"\bhave no\b", ("do not have any", "don't have any", "have zero", "lack any")),
    (r"\bdifferent\b", ("distinct", "unique", "various")),
    (r"\bin descending order\b", ("highest first", "from high to low", "biggest first")),
    (r"\bwhose\b", ("whose", "where the")),
)
_BEFORE = (
    "For a report: ", "Quick question: ", "Hi, ", "Hello! ", "Please help: ", "I was wondering: ", "Next: ", "OK, ",
    "For my presentation, ", "One more thing: ", "So, ", "I'm preparing the monthly report. ", "Just curious, ",
    "My boss wants to know: ", "Looking at our data, ", "According to the database, ",
)  # fmt: skip
_AFTER = (" please", ", please", " - thanks", " thanks", " in our data", " (I need this today)")
_INDIRECT = ("Can you tell me ", "Could you tell me ", "I want to know ", "I'd like to know ", "Tell me ",
             "Do you know ", "Please tell me ", "We need to know ", "Find out ", "I need to know ")  # fmt: skip
_MONTHS = "January|February|March|April|May|June|July|August|September|October|November|December"
_PERIOD = re.compile(
    rf"^(How many|What|Which|Show|List|Who|Give|Count)\b(.+?) "
    rf"((?:in|during|since|before|after) (?:the year )?(?:(?:{_MONTHS}) )?(?:19|20)\d\d|last (?:month|year)|"
    rf"this (?:month|year)|(?:in|over|within) the (?:last|past) \d+ (?:days|months))$"
)


def put_differently(text: str, chance: random.Random) -> str:
    """``text``, a question without its mark, in other words and another order that mean the same."""
    if chance.random() < 0.2:
        text = _time_first(text)
    if chance.random() < 0.35:
        text = _with_other_words(text, chance)
    drawn = chance.random()
    if drawn < 0.16:
        text = _WHAT_IS.sub(lambda _: chance.choice(_ELLIPSES), text)
    elif drawn < 0.28:
        text = _indirect(text, chance)
    elif drawn < 0.36:
        text = _ASKING.sub(lambda _: chance.choice(_WISHES), text)
    elif drawn < 0.42:
        text = re.sub("^What is", "What's", text)
    if chance.random() < 0.09:
        text = _abbreviated(text, chance)
    if chance.random() < 0.05:
        opening = chance.choice(_BEFORE)
        text = opening + (text if opening.endswith((". ", "! ")) else text[0].lower() + text[1:])
    elif chance.random() < 0.04:
        text += chance.choice(_AFTER)
    return text


_ELLIPSES = (
    "", "", "What would be ", "Give me ", "I need ", "Show ", "Tell me ", "What do you have as ", "Calculate ", "Find ",
    "I want ", "Please show ", "What was ",
)  # fmt: skip
_WISHES = (
    "I need ", "I'd like ", "I want to see ", "We need ", "Can I get ", "Could I have ", "Let me see ", "Pull up ", "",
    "Fetch ", "Provide ", "Please provide ", "Present ", "Write down ", "State ", "Name ", "Mention ", "Give ",
)  # fmt: skip


def _time_first(text: str) -> str:
    """``In 2021, how many orders ...``, where the period does not belong to a word of its own such as "placed"."""
    match = _PERIOD.match(text)
    if (
        match is None
        or re.search(r"\d{4}", match[2])
        or match[2].rsplit(" ", 1)[-1].endswith(("ed", "en", "ade", "ent", "old", "ow", "un", "eld"))
    ):
        return text
    period = match[3][0].upper() + match[3][1:]
    return f"{period}, {match[1].lower()}{match[2]}"


def _with_other_words(text: str, chance: random.Random) -> str:
    pattern, ways = chance.choice([pair for pair in _OTHER_WORDS if re.search(pair[0], text)] or [("^$", ("",))])
    return re.sub(pattern, chance.choice(ways), text, count=1)


def _indirect(text: str, chance: random.Random) -> str:
    """``Can you tell me how many ...``; "what is the X" loses its verb."""
    direct = re.sub(r"^What (?:is|are|was|were) (?=the )", "", text)
    is_wh = re.match("(How many|How much|Which|Who) ", text)
    if direct == text and not (is_wh and not re.match("How (?:many|much).* (?:do|did|does|are|is|was|were) ", text)):
        return text
    return chance.choice(_INDIRECT) + direct[0].lower() + direct[1:]


def _abbreviated(text: str, chance: random.Random) -> str:
    options = [pair for pair in _SHORT if re.search(pair[0], text)]
    if not options:
        return text
    pattern, ways = chance.choice(options)
    return re.sub(pattern, chance.choice(ways), text, count=1)
