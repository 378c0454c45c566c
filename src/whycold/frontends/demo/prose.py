"""Texts of the demo: source files, test runs, searches, articles, questions; made up by chance."""

from __future__ import annotations

import random
from collections.abc import Sequence
from itertools import product

__all__ = ["Prose"]

_NOUNS = (
    *("basket", "order", "refund", "invoice", "voucher", "shipment", "parcel", "address"),
    *("price", "tax_rate", "stock_level", "return_label", "payment", "receipt", "wishlist"),
    *("delivery_slot", "gift_card", "supplier", "variant", "promotion", "courier", "ledger_entry"),
)
_VERBS = (
    *("load", "save", "merge", "split", "apply", "cancel", "validate", "round", "reserve"),
    *("release", "settle", "export", "index", "reprice", "schedule", "archive", "restore"),
)
_PLACES = ("checkout", "catalogue", "billing", "fulfilment", "search", "accounts", "api", "jobs")
_CHECKS = (
    "raises_when_the_{n}_is_gone",
    "keeps_the_{n}_of_a_guest",
    "rounds_half_up",
    "is_the_same_twice",
    "leaves_other_{n}s_alone",
    "takes_the_newest_{n}",
    "writes_one_audit_line",
)
_BODY = (
    "    {n} = await self._{n}s.get({n}_id)\n    if {n} is None:\n"
    '        raise NotFound(f"{n} {{{n}_id}} does not exist")\n',
    "    async with self._db.transaction() as tx:\n        await tx.lock({n}.id)\n"
    "        await tx.update({n}, version={n}.version + 1)\n",
    "    total = sum((line.amount for line in {n}.lines), Decimal(0))\n"
    '    {n}.total = total.quantize(Decimal("0.01"), ROUND_HALF_UP)\n',
    '    log.info("{v} {n}", extra={{"{n}_id": {n}.id, "took_ms": watch.ms}})\n',
    "    for {m} in {n}.{m}s:\n        if {m}.state is State.open and not {m}.is_held:\n"
    "            await self._{v}_one({m}, reason=reason)\n",
    "    if self._clock.now() - {n}.changed_at > timedelta(hours={k}):\n"
    "        return Outcome.stale\n",
    '    await self._events.publish("{n}.{v}ed", {n}.as_event(), key=str({n}.id))\n',
    "    cached = self._cache.get(({n}.id, {n}.version))\n    if cached is not None:\n"
    "        return cached\n",
)
_SENTENCES = (
    "Customers find the {n} under Account, then Orders; it stays there for {k} months.",
    "A {n} that was changed after payment is shown with both amounts, the old one struck out.",
    "If the {n} does not arrive within {k} days, offer to send it again before you offer money.",
    "Only the team lead may {v} a {n} above {k}0 euros; hand over and say so.",
    "When a {n} and a {m} belong together, answer for both and give the later date.",
    "Never promise a day for a {n}: say between {k} and {j} working days.",
    "The {n} of a business customer carries the purchase number; ask for it once, not twice.",
    "Do not {v} a {n} while a {m} is open; tell the customer what is waited for.",
    "For countries outside the union the {n} needs a customs form; the customer pays the duty.",
    "A damaged {n} needs a picture; accept a description where the customer cannot take one.",
)
_TASKS = (
    "The {n} page shows the old {m} after a reload. Find out why and repair it.",
    "Please {v} the {n} in one transaction; today a crash leaves half of it behind.",
    "Add a column for the {m} to the {n} export and cover it with tests.",
    "CI is red since this morning: tests of {n} fail on Python 3.13 only. What happened?",
    "Move the rounding of the {m} out of the {n} model; three places do it differently.",
    "We get timeouts when we {v} a large {n}. Measure first, then make it faster.",
    "Review the branch that changes how we {v} a {n}; look for missing checks.",
    "The {n} job runs twice at the change of the hour. Make it idempotent.",
)
_FOLLOW_UPS = (
    "Good. Now the same for the {m}, please.",
    "Run the whole suite of {n} once more and show me what is left.",
    "Can you also {v} the {m} when the {n} is empty?",
    "Please write the commit message; mention the {n} and the {m}.",
    "That breaks the nightly export, I think. Have a look at the {n} job.",
    "Use the helper in the {m} module instead of a loop.",
)
_REMARKS = (
    "I look at how the {n} is loaded first.",
    "The {m} is rounded before the {n} is summed up, that is the difference.",
    "The test fails because the {n} has no {m} yet; I add one to the fixture.",
    "Two callers {v} the {n}; I change both.",
    "This is the place: the {n} is saved before the {m} is known.",
    "Tests are green. One call site of the {n} is left.",
    "I search for other places that {v} a {m}.",
)
_QUESTIONS = (
    "Hello, my {n} has not arrived and it is {k} days now. What can I do?",
    "I paid twice for the same {n}, can you look?",
    "Can I still change the {m} of my {n}?",
    "The {n} I got is damaged. Do I have to send it back?",
    "Where do I find the {n} for my taxes?",
    "I want to {v} my {n}, the button is grey.",
    "Your mail says the {m} is ready, but the page says something else.",
    "Thank you. And how long does the {n} take?",
)
_ANSWERS = (
    "I have looked at your {n}: it left our house and takes between {k} and {j} working days.",
    "I can {v} the {n} for you. Shall I do it now?",
    "I am sorry about that. I have opened a {m} for you, you get a mail in a few minutes.",
    "You find it under Account, then Orders; choose the {n} and then the {m}.",
    "The {m} can be changed until the {n} is packed. Yours is not packed yet.",
)

_HEAD = (
    *("from __future__ import annotations", "", "import logging", "from datetime import timedelta"),
    *("from decimal import ROUND_HALF_UP, Decimal", "", "log = logging.getLogger(__name__)", ""),
)
_TESTS = [
    f"tests/{place}/test_{noun}.py::test_{check.format(n=noun)}"
    for place, noun, check in product(_PLACES, _NOUNS, _CHECKS)
]
_POOL = 400


class Prose:
    """Texts from one source of chance: the same seed gives the same texts."""

    def __init__(self, chance: random.Random) -> None:
        self.chance = chance
        # made once and used again and again, for chance takes longer than anything else here
        self._functions = [self._function() for _ in range(_POOL)]
        self._lines = [self._hit() for _ in range(_POOL)]
        self._days = [self._row() for _ in range(_POOL)]

    def fill(self, template: str) -> str:
        """A template with its blanks filled."""
        n, m = self.chance.sample(_NOUNS, 2)
        k = self.chance.randint(2, 9)
        return template.format(
            n=n, m=m, v=self.chance.choice(_VERBS), k=k, j=k + self.chance.randint(2, 6)
        )

    def _some(self, templates: Sequence[str]) -> str:
        return self.fill(self.chance.choice(templates)).replace("_", " ")

    def path(self) -> str:
        """A source file of the shop."""
        noun = self.chance.choice(_NOUNS)
        return f"shop/{self.chance.choice(_PLACES)}/{noun}_{self.chance.choice(_VERBS)}.py"

    def source(self, functions: int) -> str:
        """A module, its lines numbered as a reading tool shows them."""
        body = (line for lines in self.chance.sample(self._functions, functions) for line in lines)
        numbered = enumerate((*_HEAD, *body), 1)
        return "\n".join(f"{number:>5}\t{line}" for number, line in numbered)

    def _function(self) -> list[str]:
        verb, noun = self.chance.choice(_VERBS), self.chance.choice(_NOUNS)
        out = ["", f"async def {verb}_{noun}(self, {noun}_id: Id, reason: str) -> Outcome:"]
        out.append(f'    """{verb.capitalize()} the {noun.replace("_", " ")} of one customer."""')
        for body in self.chance.sample(_BODY, self.chance.randint(3, 6)):
            out += self.fill(body).rstrip().split("\n")
        return [*out, "    return Outcome.done", ""]

    def test_run(self, tests: int) -> str:
        """What a run of tests prints."""
        names = self.chance.sample(_TESTS, tests)
        seconds = self.chance.randint(120, 4800) / 100
        return "\n".join(
            (
                f"{' test session starts ':=^78}",
                *(f"{name} PASSED" for name in names),
                f"{f' {tests} passed in {seconds:.2f}s ':=^78}",
            )
        )

    def hits(self, count: int) -> str:
        """What a search prints."""
        return "\n".join(self.chance.sample(self._lines, count))

    def _hit(self) -> str:
        line = self.fill(self.chance.choice(_BODY)).split("\n")[0]
        return f"{self.path()}:{self.chance.randint(8, 480)}:{line}"

    def article(self, title: str, sentences: int) -> str:
        """An article of a handbook."""
        body = " ".join(self._some(_SENTENCES) for _ in range(sentences))
        return f"## {title}\n{body}\n"

    def handbook(self, articles: int, sentences: int) -> str:
        """Many articles."""
        titles = [f"{n} and {m}".replace("_", " ") for n, m in product(_NOUNS, _NOUNS) if n < m]
        self.chance.shuffle(titles)
        return "\n".join(self.article(t.capitalize(), sentences) for t in titles[:articles])

    def rows(self, count: int) -> str:
        """What a query gives."""
        head = "day        | country | orders | revenue_eur | refunds"
        return "\n".join((head, *self.chance.sample(self._days, count)))

    def _row(self) -> str:
        day = f"2026-{self.chance.randint(1, 10):02}-{self.chance.randint(1, 28):02}"
        country = self.chance.choice(("AT", "BE", "DE", "DK", "FR", "IT", "NL", "PL", "SE"))
        orders, refunds = self.chance.randint(40, 4200), self.chance.randint(0, 60)
        return f"{day} | {country:<7} | {orders:>6} | {orders * 43:>11} | {refunds:>7}"

    def task(self) -> str:
        """What a developer asks for."""
        return f"{self._some(_TASKS)} Begin with {self.path()}."

    def follow_up(self) -> str:
        """What a developer asks next."""
        return f"{self._some(_FOLLOW_UPS)} It is in {self.path()}, I think."

    def remark(self) -> str:
        """What an agent says before it uses a tool."""
        return f"{self._some(_REMARKS)} ({self.path()}:{self.chance.randint(8, 480)})"

    def question(self) -> str:
        """What a customer asks."""
        return f"{self._some(_QUESTIONS)} Order {self.chance.randint(1_000_000, 9_999_999)}."

    def reply(self, sentences: int = 2) -> str:
        """What a customer is told."""
        said = " ".join(self._some(_ANSWERS) for _ in range(sentences))
        return f"{said} (Case {self.chance.randint(100_000, 999_999)})"

    def word(self, length: int) -> str:
        """Letters and digits, as in an id."""
        letters = "ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz23456789"
        return "".join(self.chance.choice(letters) for _ in range(length))

    def uuid(self) -> str:
        """A random UUID."""
        digits = f"{self.chance.getrandbits(128):032x}"
        return f"{digits[:8]}-{digits[8:12]}-4{digits[13:16]}-a{digits[17:20]}-{digits[20:]}"
