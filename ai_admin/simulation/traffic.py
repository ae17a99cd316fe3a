"""The runs of AI enhancements: daily and weekly rhythm, growth, and incidents."""

from __future__ import annotations

import math
import uuid
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from itertools import accumulate
from random import Random
from typing import Any

from ai_admin.numbers import product
from ai_admin.simulation.installations import Company, Installation

PRICES = {"deepseek-chat-v3": (0.27, 1.10), "deepseek-chat-r1": (0.55, 2.19)}
"""US dollars for a million tokens, of the prompt and of the answer: DeepSeek's price list of 2025."""
MODELS = {"deepseek-chat-v3": 80, "deepseek-chat-r1": 20}
FAILURES = {
    "timeout": 40, "rate_limited": 20, "invalid_response": 20, "context_too_long": 12, "budget_exceeded": 8,
}  # fmt: skip
"""Why runs fail on an ordinary day: how many of a hundred failures."""
USUALLY_FAIL = {"healthy": 0.004, "warning": 0.01, "error": 0.06}
"""The share of runs that fail on an ordinary day, by what the installation's self-check found."""
_IDS = uuid.UUID("7e1f4f0e-9d5c-4b62-9a0e-0f5f8f1a7c55")
_HOUR = timedelta(hours=1)


@dataclass(frozen=True)
class Incident:
    """Something that happened to the company, from one whole hour to another."""

    name: str
    """``outage``: nobody sends anything; ``runaway``: one installation runs more than all others together; ``errors``:
    the provider of the models fails for half of the runs."""
    start: datetime
    end: datetime
    installation: str = ""
    """Whose incident it is; empty: everybody's."""

    def there(self, when: datetime) -> bool:
        """Return whether it goes on at a moment."""
        return self.start <= when < self.end


@dataclass(frozen=True)
class Run:
    """One run of an AI enhancement, as its event ``ai_enhancement_used`` has it."""

    id: uuid.UUID
    when: datetime
    installation: Installation
    properties: Mapping[str, Any]


def incidents(company: Company, ongoing: bool = False) -> Sequence[Incident]:
    """Return what happened to a company, in order of time: an outage, a runaway consumer, errors for three hours.

    Args:
        company: a company. What would lie outside its period does not happen.
        ongoing: whether the provider fails in the last two hours as well.
    """
    found = []
    days = company.hours / 24
    if days >= 2:
        day = _midnight(company.end - timedelta(days=days * 2 / 3))
        found.append(Incident("outage", day + 13 * _HOUR, day + 16 * _HOUR))
        day = _midnight(company.end - timedelta(days=days / 2))
        # In the middle of a working week: beside a weekend it would drown in the weekly rhythm.
        day += timedelta(days=2 - day.weekday())
        found.append(Incident("runaway", day, day + 24 * _HOUR, company.installations[-1].id))
        day = _midnight(company.end - timedelta(days=days / 5))
        found.append(Incident("errors", day + 10 * _HOUR, day + 13 * _HOUR))
    if ongoing:
        found.append(Incident("errors", company.end - 2 * _HOUR, company.end))
    within = (each for each in found if company.start <= each.start and each.end <= company.end)
    return sorted(within, key=lambda each: each.start)


def _midnight(when: datetime) -> datetime:
    return when.replace(hour=0, minute=0, second=0, microsecond=0)


def runs(seed: int, company: Company, events: int, happened: Sequence[Incident]) -> Iterator[Run]:
    """Give a company's runs in order of time.

    When it last ran something goes along with each run as ``$set``, and what else an installation is with its first run
    of each day and with all runs of the last six hours. So of one that fell silent before, what its last runs changed
    was never sent.

    Args:
        seed: of all that is drawn.
        company: its installations.
        events: how many runs there are in all.
        happened: its incidents.
    """
    draw = Random(f"runs of {seed}")
    used = {each.id: each.weight * draw.lognormvariate(13, 0.8) for each in company.installations}
    paid = {name: tokens * 0.5e-6 for name, tokens in used.items()}
    told: dict[str, date] = {}
    for number, (when, installation) in enumerate(_moments(draw, company, events, happened)):
        failing = any(each.name == "errors" and each.there(when) for each in happened)
        properties = _run(draw, installation, failing)
        used[installation.id] += properties[product.TOKENS]
        paid[installation.id] += properties[product.COST]
        properties["$set"] = {product.LAST_ACTIVE: when.isoformat()}
        if told.get(installation.id) != when.date() or company.end - when < 6 * _HOUR:
            properties["$set"] |= {
                product.INSTALLATION: installation.id,
                product.CHANNEL: installation.channel,
                product.VERSION: installation.version,
                product.HEALTH: "error" if failing and not properties[product.SUCCESS] else installation.health,
                "total_usage": round(used[installation.id]),
                "total_cost": round(paid[installation.id], 4),
            }
        told[installation.id] = when.date()
        yield Run(uuid.uuid5(_IDS, f"{seed} {company.end.isoformat()} {number}"), when, installation, properties)


def _moments(
    draw: Random, company: Company, events: int, happened: Sequence[Incident]
) -> Iterator[tuple[datetime, Installation]]:
    """Give when which installation runs something, in order of time."""
    hours = [company.start + number * _HOUR for number in range(company.hours)]
    weights = [_weights(draw, company, hour, happened) for hour in hours]
    upto = list(accumulate(sum(each) for each in weights))
    done = 0
    for hour, each, sum_so_far in zip(hours, weights, upto, strict=True):
        more = round(events * sum_so_far / upto[-1]) - done if upto[-1] else 0
        done += more
        chosen = draw.choices(company.installations, each, k=more) if more else []
        moments = sorted(hour + _HOUR * draw.random() for _ in chosen)
        yield from zip(moments, chosen, strict=True)


def _weights(draw: Random, company: Company, hour: datetime, happened: Sequence[Incident]) -> list[float]:
    """Return how much each installation is used in an hour."""
    going = [each for each in happened if each.there(hour)]
    if any(each.name == "outage" for each in going):
        return [0.0] * len(company.installations)
    luck = draw.lognormvariate(0, 0.08)
    found = [
        each.weight * _rhythm(hour, each.offset) * luck if each.there(hour) else 0.0 for each in company.installations
    ]
    for incident in going:
        if incident.name == "runaway":
            place = next(n for n, each in enumerate(company.installations) if each.id == incident.installation)
            found[place] += 1.8 * sum(found)
    return found


def _rhythm(hour: datetime, offset: int) -> float:
    """Return how busy an hour is so many hours from UTC: most at two in the afternoon, little at weekends."""
    local = hour + timedelta(hours=offset)
    return (0.08 + math.exp(-(((local.hour - 14) / 4) ** 2))) * (0.35 if local.weekday() >= 5 else 1)


def _run(draw: Random, installation: Installation, failing: bool) -> dict[str, Any]:
    [model] = draw.choices(list(MODELS), list(MODELS.values()))
    fails = draw.random() < (0.5 if failing else USUALLY_FAIL[installation.health])
    prompt = round(min(4096, draw.lognormvariate(6.5, 0.6)))
    answer = 0 if fails else round(min(4096, draw.lognormvariate(5.6, 0.5)))
    paid_in, paid_out = PRICES[model]
    properties: dict[str, Any] = {
        product.INSTALLATION: installation.id,
        product.MODEL: model,
        product.PROMPT_TOKENS: prompt,
        product.COMPLETION_TOKENS: answer,
        product.TOKENS: prompt + answer,
        product.COST: round((prompt * paid_in + answer * paid_out) / 1e6, 6),
        product.SUCCESS: not fails,
    }
    if fails and failing:
        properties[product.ERROR] = draw.choice(["provider_unavailable", "provider_unavailable", "timeout"])
    elif fails:
        [properties[product.ERROR]] = draw.choices(list(FAILURES), list(FAILURES.values()))
    return properties
