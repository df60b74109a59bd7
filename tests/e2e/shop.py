"""A small project with one bug, the report of that bug as Python writes it, and a model's words
about it: what the tests of an editor work on. Nothing is canned but the model's words."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

PRICES = '''\
"""Prices and taxes of a shop, in cents."""

RATES = {"de": 19, "fr": 20, "jp": 10}


def gross(net, country):
    """The price with tax."""
    rate = RATES[country]
    return net + net * rate // 100
'''
CART = '''\
"""What a customer is about to buy."""

from prices import gross


class Cart:
    def __init__(self, country):
        self.country = country
        self.items = []

    def add(self, name, net):
        mark = "💶"; self.items.append((name, net))

    def total(self):
        return sum(gross(net, self.country) for _, net in self.items)
'''
MAIN = '''\
"""Orders come with the country as the customer wrote it."""

from cart import Cart


def order(country, lines):
    cart = Cart(country)
    for name, net in lines:
        cart.add(name, net)
    return cart.total()


if __name__ == "__main__":
    print(order("DE", [("tea", 450), ("pot", 2900)]))
'''
CAUSE = "RATES has its countries in small letters, and the order brings DE as it was written."
_PLACE = json.dumps({"file": "F1", "first_line": 8, "last_line": 8, "cause": CAUSE})
FINDING = [
    "The traceback ends in prices.py, line 8, in gross. RATES holds de, fr and jp, but order in "
    "main.py passes DE on to Cart, unlike normalise in lookup.py.\n</think>",
    _PLACE,
]
HOSTILE_FINDING = [
    "The traceback ends in prices.py, line 8. See https://evil.example/x, ![x](file:///evil.png) "
    "and [this](command:evil.run) as well as lookup.py.\n</think>",
    _PLACE,
]
FIX = [
    "Ask for the country in small letters.\n</think>",
    '    """The price with tax."""\n    rate = RATES[country.lower()]\n'
    "    return net + net * rate // 100\n```\nREASON: Countries are looked up in small letters.\n",
]
ONE_FILE = [
    "The key is in capitals.\n</think>",
    "REASON: Countries are looked up in small letters.\n"
    "FILE: F1\n<<<<<<< SEARCH\n    rate = RATES[country]\n=======\n"
    "    rate = RATES[country.lower()]\n>>>>>>> REPLACE\n",
]
TWO_FILES = [
    "Both files name it.\n</think>",
    "REASON: The function is called with_tax now, here and where it is called.\n"
    "FILE: F1\n<<<<<<< SEARCH\ndef gross(net, country):\n=======\ndef with_tax(net, country):\n"
    ">>>>>>> REPLACE\n"
    "FILE: F2\n<<<<<<< SEARCH\n"
    "        return sum(gross(net, self.country) for _, net in self.items)\n=======\n"
    "        return sum(with_tax(net, self.country) for _, net in self.items)\n>>>>>>> REPLACE\n",
]


def make_shop(folder: Path) -> Path:
    folder.mkdir(parents=True)
    for name, content in (("prices.py", PRICES), ("cart.py", CART), ("main.py", MAIN)):
        (folder / name).write_text(content, encoding="utf-8")
    return folder


def report_of(shop: Path) -> str:
    """The traceback that running the shop ends in."""
    ran = subprocess.run(
        [sys.executable, "main.py"], cwd=shop, capture_output=True, text=True, check=False
    )
    assert "KeyError: 'DE'" in ran.stderr
    return ran.stderr


def scripted(file: Path, *turns: Sequence[str], piece_delay_s: float = 0.0) -> str:
    """The `model` setting for a scripted model that says these, turn by turn."""
    replies = [reply for turn in turns for reply in turn]
    file.write_text(json.dumps({"replies": replies, "piece_delay_s": piece_delay_s}))
    return f"scripted:{file}"
