"""The outcome of a check as JSON, JUnit XML and SARIF 2.1.0."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from xml.etree import ElementTree

from whycold import __version__, causes
from whycold.core.content import Json
from whycold.frontends.check.counted import Broken, Counted
from whycold.frontends.check.limits import Checked, Outcome
from whycold.frontends.diagnosis_json import as_json, decimal_text
from whycold.frontends.printable import printable

__all__ = ["as_data", "junit", "sarif"]

_SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"


def as_data(counted: Counted, verdict: Outcome) -> dict[str, Json]:
    """The sums, each limit, and the culprits with the latest call of each."""
    totals = counted.totals
    return {
        "passed": all(one.passed for one in verdict),
        "calls": totals.calls,
        "misses": counted.misses,
        "missed_tokens": counted.missed_tokens,
        "missed_cost_usd": decimal_text(counted.missed_cost_usd),
        "read_ratio": totals.read_ratio,
        "limits": [
            {
                "name": one.name,
                "passed": one.passed,
                "message": one.words,
                "culprits": [broken.id for broken in one.blamed],
            }
            for one in verdict
        ],
        "culprits": [_culprit(one) for one in counted.broken],
    }


def _culprit(one: Broken) -> dict[str, Json]:
    return {
        "id": one.id,
        "reason": one.latest.reason,
        "cause": one.latest.cause,
        "path": one.path,
        "calls": one.calls,
        "calls_without_reported_reads": one.unreported,
        "missed_tokens": one.missed_tokens,
        "missed_cost_usd": decimal_text(one.missed_cost_usd),
        "latest": as_json(one.latest),
    }


def junit(counted: Counted, verdict: Outcome) -> str:
    """One test case per limit, whose failure tells the causes."""
    failures = sum(not one.passed for one in verdict)
    about = {"name": "whycold check", "tests": str(len(verdict)), "failures": str(failures)}
    suites = ElementTree.Element("testsuites", about)
    suite = ElementTree.SubElement(suites, "testsuite", {**about, "errors": "0", "skipped": "0"})
    for one in verdict:
        case = {"classname": "whycold", "name": one.name}
        found = ElementTree.SubElement(suite, "testcase", case)
        if not one.passed:
            failure = {"message": _xml(one.words), "type": one.name}
            told = ElementTree.SubElement(found, "failure", failure)
            told.text = _xml("\n".join(_lines(one)))
    ElementTree.SubElement(suite, "system-out").text = f"{counted.totals.calls} calls"
    ElementTree.indent(suites)
    return ElementTree.tostring(suites, encoding="unicode", xml_declaration=True) + "\n"


def _lines(one: Checked) -> Sequence[str]:
    return [
        f"{broken.latest.cause} {broken.path or ''}: {broken.latest.summary}"
        for broken in one.blamed
    ]


def _xml(text: str) -> str:
    """XML knows no control characters."""
    return printable(text)


def sarif(
    counted: Counted, verdict: Outcome, places: Mapping[str, tuple[str, int]] | None = None
) -> dict[str, Json]:
    """A result per culprit that a limit blames; ``places`` are files and lines by culprit."""
    blamed = {one.id: one for c in verdict if not c.passed for one in c.blamed}
    codes = dict.fromkeys(one.latest.cause or "unexplained" for one in blamed.values())
    rules: list[Json] = [_rule(code) for code in codes]
    places = places or {}
    results: list[Json] = [
        _result(one, list(codes).index(one.latest.cause or "unexplained"), places.get(one.id))
        for one in blamed.values()
    ]
    unblamed = [c.words for c in verdict if not c.passed and not c.blamed]
    return {
        "$schema": _SCHEMA,
        "version": "2.1.0",
        "runs": [
            {
                "tool": {
                    "driver": {
                        "name": "whycold",
                        "version": __version__,
                        "rules": rules,
                    }
                },
                "results": results,
                "invocations": [
                    {
                        "executionSuccessful": True,
                        "toolExecutionNotifications": [
                            {"message": {"text": words}, "level": "error"} for words in unblamed
                        ],
                    }
                ],
                "columnKind": "unicodeCodePoints",
            }
        ],
    }


def _rule(code: str) -> dict[str, Json]:
    cause = next((cause for cause in causes.ALL if cause.code == code), None)
    rule: dict[str, Json] = {"id": code, "defaultConfiguration": {"level": "error"}}
    if cause is not None:
        rule["shortDescription"] = {"text": cause.title}
    return rule


def _result(one: Broken, rule: int, place: tuple[str, int] | None) -> dict[str, Json]:
    told, edit = one.latest, one.edit
    text = printable(f"{told.summary} {told.advice or ''}".strip())
    location: dict[str, Json] = {
        "logicalLocations": [
            {"fullyQualifiedName": one.path or (told.cause or "unexplained"), "kind": "member"}
        ]
    }
    if place is not None:
        location["physicalLocation"] = {
            "artifactLocation": {"uri": place[0]},
            "region": {"startLine": max(1, place[1])},
        }
    return {
        "ruleId": told.cause or "unexplained",
        "ruleIndex": rule,
        "level": "error",
        "message": {"text": text},
        "locations": [location],
        "partialFingerprints": {"culprit/v1": one.id},
        "properties": {
            "calls": one.calls,
            "missedTokens": one.missed_tokens,
            "missedCostUsd": decimal_text(one.missed_cost_usd),
            "before": edit.before if edit is not None else None,
            "after": edit.after if edit is not None else None,
        },
    }
