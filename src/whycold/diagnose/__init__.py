"""From calls to diagnoses: link, compare, judge, name, price, grade. Pure."""

from whycold.diagnose.engine import Engine, PriceList, RuleBook, diagnose, diagnose_pair

__all__ = ["Engine", "PriceList", "RuleBook", "diagnose", "diagnose_pair"]
