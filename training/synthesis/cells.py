"""Cells that look like those of real tables: names, places, dates, amounts."""

from __future__ import annotations

import random
from datetime import date, timedelta

FIRST_NAMES = (
    "Anna Ben Carla David Elena Felix Grace Henry Irene Jonas Katrin Liam Maria Noah Olga Paul Quentin Rosa "
    "Samuel Tina Ulrich Vera Walter Xenia Yusuf Zoe Aisha Boris Chen Diego Emma Fatima George Hana Ivan Julia "
    "Kevin Laura Marco Nina Oscar Priya Ravi Sofia Thomas Uma Victor Wei Yara Lucas Mia James Linda Robert Susan "
    "Pedro Ingrid Ahmed Claire"
).split()
LAST_NAMES = (
    "Adams Bauer Costa Dubois Evans Fischer Garcia Hansen Ito Jensen Kowalski Lopez Meyer Novak Olsen Petrov "
    "Quinn Rossi Schmidt Tanaka Ueda Varga Weber Xu Young Zhang Ali Brown Clark Davies Eriksen Ferrari Green "
    "Hughes Ivanov Johnson King Larsen Martin Nguyen O'Brien Patel Reyes Silva Taylor Usman Vogel Walker Yilmaz "
    "Kim Moreau Santos Baker Hall"
).split()
CITIES = {
    "Berlin": "Germany", "Hamburg": "Germany", "Munich": "Germany", "Paris": "France", "Lyon": "France",
    "Madrid": "Spain", "Seville": "Spain", "Rome": "Italy", "Milan": "Italy", "Vienna": "Austria",
    "Zurich": "Switzerland",
    "London": "United Kingdom", "Leeds": "United Kingdom", "Dublin": "Ireland", "Oslo": "Norway", "Stockholm": "Sweden",
    "Helsinki": "Finland", "Warsaw": "Poland", "Prague": "Czech Republic", "Lisbon": "Portugal", "Athens": "Greece",
    "New York": "United States", "Chicago": "United States", "Boston": "United States", "Seattle": "United States",
    "Austin": "United States", "Toronto": "Canada", "Montreal": "Canada", "Mexico City": "Mexico",
    "Sao Paulo": "Brazil",
    "Buenos Aires": "Argentina", "Tokyo": "Japan", "Osaka": "Japan", "Seoul": "South Korea", "Singapore": "Singapore",
    "Sydney": "Australia", "Auckland": "New Zealand", "Mumbai": "India", "Delhi": "India", "Cairo": "Egypt",
    "Nairobi": "Kenya", "Cape Town": "South Africa", "Istanbul": "Turkey", "Dubai": "United Arab Emirates",
}  # fmt: skip
REGIONS = ("North", "South", "East", "West", "EMEA", "APAC", "Americas", "DACH", "Nordics", "Central")
COUNTRY_CODES = {
    "Germany": "DE", "France": "FR", "Spain": "ES", "Italy": "IT", "Austria": "AT", "Switzerland": "CH",
    "United Kingdom": "GB", "Ireland": "IE", "Norway": "NO", "Sweden": "SE", "Finland": "FI", "Poland": "PL",
    "Czech Republic": "CZ", "Portugal": "PT", "Greece": "GR", "United States": "US", "Canada": "CA", "Mexico": "MX",
    "Brazil": "BR", "Argentina": "AR", "Japan": "JP", "South Korea": "KR", "Singapore": "SG", "Australia": "AU",
    "New Zealand": "NZ", "India": "IN", "Egypt": "EG", "Kenya": "KE", "South Africa": "ZA", "Turkey": "TR",
    "United Arab Emirates": "AE",
}  # fmt: skip
_COMPANY = (
    "Acme Blue Crest Delta Evergreen Fusion Granite Horizon Iron Juniper Lumen Metro Nimbus Orbit Pioneer Quartz"
).split()
_COMPANY_TAIL = "Industries,Logistics,Foods,Systems,Group,Trading,Partners,Labs,Media,Energy,Health,Motors".split(",")
_COMPANY_FORM = ("Ltd", "GmbH", "Inc", "AG", "SA", "LLC", "")
_STREETS = "Oak Street,Main Road,Mill Lane,Station Avenue,Park Way,Hill Drive,Church Street,Lake View".split(",")
_WORDS = (
    "login problem late delivery invoice question new feature broken screen slow report missing data price change "
    "annual review update request printer error password reset market outlook summer travel city council budget"
).split()


def person(chance: random.Random) -> tuple[str, str]:
    return chance.choice(FIRST_NAMES), chance.choice(LAST_NAMES)


def company(chance: random.Random) -> str:
    parts = (chance.choice(_COMPANY), chance.choice(_COMPANY_TAIL), chance.choice(_COMPANY_FORM))
    return " ".join(part for part in parts if part)


def email(chance: random.Random) -> str:
    first, last = person(chance)
    return (
        f"{first.lower()}.{last.lower().replace(chr(39), '')}@{chance.choice(('example.com', 'mail.net', 'corp.org'))}"
    )


def phone(chance: random.Random) -> str:
    return f"+{chance.randint(1, 99)} {chance.randint(100, 999)} {chance.randint(100000, 999999)}"


def address(chance: random.Random) -> str:
    return f"{chance.randint(1, 240)} {chance.choice(_STREETS)}"


def code(chance: random.Random, prefix: str) -> str:
    return f"{prefix}-{chance.randint(1000, 99999)}"


def text(chance: random.Random) -> str:
    return " ".join(chance.sample(_WORDS, chance.randint(2, 4))).capitalize()


def day(chance: random.Random, first: date, last: date) -> date:
    return first + timedelta(days=chance.randint(0, max((last - first).days, 0)))


def clock(chance: random.Random) -> str:
    return f"{chance.randint(6, 22):02}:{chance.randint(0, 59):02}:{chance.randint(0, 59):02}"


def number(chance: random.Random, kind: str, low: float, high: float) -> float | int:
    if kind == "rate":
        return chance.choice((0, 0, 0.05, 0.1, 0.15, 0.2, 0.25, 0.3))
    # Real amounts crowd at the low end.
    drawn = low + (high - low) * chance.random() ** (2 if high > 50 * max(low, 1) else 1)
    if kind in ("qty", "int"):
        return round(drawn)
    return round(drawn, 2 if high > 20 else 1) if high >= 1 else round(drawn, 4)
