"""The text on which the tiny model's tokenizer is trained: the same on every machine, and made
here.

English-looking lines and JSON-looking lines, drawn from a word list, so that a prompt of a coding
agent falls into tokens about as a real one does. Nothing but ``random.Random.random`` is asked for
chance: Python's documentation promises the same sequence for the same seed in every version
("Notes on Reproducibility" of the module ``random``, 3.11 to 3.14).
"""

import json
import random
from collections.abc import Iterator, Sequence

__all__ = ["WORDS", "corpus"]

# The first are drawn most often.
_WORDS = """
the a to of and in is that it for you with not as be on or this are from by an if when at file one
only all use can will has have was but they then each before after into its new read text line
than no so do does any which what same name more may must there where your other two how tool
first last value next never always list path user code test call run write change error reply keep
find result message number string type object return show begin end open close start stop word
part page way time day work place thing order small large long short part second third full empty
left right high low early late good bad old free sure clear plain whole own function class module
package project folder branch commit release version build check review report record answer
question request response prompt system section block prefix cache token count cost price model
agent session server client engine process thread task queue signal event stream chunk buffer byte
bit field column row table key index query filter sort group join search match pattern rule case
reason cause effect fact source target input output option setting flag switch default limit range
size length width height depth level layer step stage phase round turn cycle loop path route link
node edge graph tree leaf root parent child sibling owner member guest person team company city
country street house room door window wall floor roof garden river mountain forest field ocean
island bridge road train station ship harbour market shop store kitchen table chair bread water
coffee apple orange lemon sugar salt pepper butter cheese summer winter spring autumn morning
evening night week month year hour minute north south east west red green blue yellow black white
silver golden make take give get put set let ask tell say see look hear feel think know learn
teach help try need want like move turn hold carry bring send receive build break fix mend cut
paste copy delete remove insert append replace update create destroy load save print parse format
render draw paint measure compare verify prove explain describe mention quote translate summarise
shorten extend repeat follow lead guide wait sleep wake listen speak sing play walk climb swim
travel arrive leave return enter exit cross pass reach touch press pull push lift drop quick slow
careful quiet loud bright dark warm cold fresh dry wet heavy light strong weak simple hard soft
sharp smooth rough round square narrow wide deep shallow modern ancient common rare public private
local remote absolute relative directory command shell argument pattern content encoding character
letter digit sentence paragraph chapter title author reader writer editor printer paper pencil
ruler eraser notebook diary letter required properties description parameters number integer
boolean array items enum maximum minimum offset because however therefore instead otherwise unless
until while during without within between against among about above below behind beside beyond
across along around under over near far here again once twice often seldom perhaps maybe already
still yet almost quite rather very too enough also even just both either neither
"""
WORDS = tuple(_WORDS.split())

_LINES = 4200
_SEED = 20261123


def corpus() -> str:
    """About 370 kB of lines, every fifth of them JSON."""
    return "\n".join(_lines(random.Random(_SEED)))


def _lines(chance: random.Random) -> Iterator[str]:
    for number in range(_LINES):
        yield _json_line(chance) if number % 5 == 4 else _sentence(chance)


def _sentence(chance: random.Random) -> str:
    words = list(_draw(chance, 5 + int(chance.random() * 12)))
    words[0] = words[0].capitalize()
    if chance.random() < 0.3:
        words[-1] = str(int(chance.random() * 1000))
    middle = len(words) // 2
    words[middle] += _pick(chance, ("", "", "", ",", ":", ";"))
    return " ".join(words) + _pick(chance, (".", ".", ".", ".", "?", "!"))


def _json_line(chance: random.Random) -> str:
    name = "_".join(_draw(chance, 2))
    schema = {"type": "object", "properties": {name: {"type": "string"}}, "required": [name]}
    return json.dumps(
        {"name": name, "description": _sentence(chance), "parameters": schema},
        separators=(", ", ": "),
    )


def _draw(chance: random.Random, count: int) -> Iterator[str]:
    # Squared, so that the front of the list is drawn far more often than its end, as in real text.
    return (WORDS[int(len(WORDS) * chance.random() ** 2)] for _ in range(count))


def _pick(chance: random.Random, choices: Sequence[str]) -> str:
    return choices[int(len(choices) * chance.random())]
