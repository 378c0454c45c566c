# pyright: reportMissingTypeStubs=false, reportUnknownMemberType=false, reportUnknownVariableType=false
# pyright: reportUnknownArgumentType=false, reportArgumentType=false, reportCallIssue=false
# pyright: reportAttributeAccessIssue=false
# A program as users have it: most of what it uses says nothing of its types.
"""A program under test: a conversation of three turns through an official SDK that is instrumented,
whose telemetry goes where it is told. Before the last turn a tool's description is edited.

Run as ``python instrumented.py INSTRUMENTATION PROTOCOL ENDPOINT UPSTREAM``.
"""

from __future__ import annotations

import importlib
import sys
from typing import Any

from opentelemetry.sdk._logs import LoggerProvider
from opentelemetry.sdk._logs.export import BatchLogRecordProcessor
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor

SYSTEM = "You are a careful engineer who explains every step. " * 200
OLD, NEW = "Look for a file and say where it is.", "Look for a file and say where it was."
QUESTIONS = ("first", "second", "third")


def providers(protocol: str, endpoint: str) -> tuple[TracerProvider, LoggerProvider]:
    """What the exporters of a protocol send to an endpoint."""
    exporter = f"opentelemetry.exporter.otlp.{protocol}.http"
    spans = importlib.import_module(f"{exporter}.trace_exporter").OTLPSpanExporter
    records = importlib.import_module(f"{exporter}._log_exporter").OTLPLogExporter
    about = Resource.create({"service.name": "shop", "service.version": "1.4.2"})
    tracing, logging = TracerProvider(resource=about), LoggerProvider(resource=about)
    to_traces = spans(endpoint=f"{endpoint}/v1/traces")
    to_logs = records(endpoint=f"{endpoint}/v1/logs")
    tracing.add_span_processor(BatchSpanProcessor(to_traces))
    logging.add_log_record_processor(BatchLogRecordProcessor(to_logs))
    return tracing, logging


def instrument(name: str, tracing: TracerProvider, logging: LoggerProvider) -> None:
    """Instrument an SDK; the packages are imported by their names."""
    package, _, how = name.partition(":")
    module = importlib.import_module(package)
    made = getattr(module, "AnthropicInstrumentor", None) or module.OpenAIInstrumentor
    instrumentor = made(use_attributes=False) if how == "events" else made()
    instrumentor.instrument(tracer_provider=tracing, logger_provider=logging)


def ask_claude(upstream: str, own: dict[str, Any]) -> None:
    """The conversation with Anthropic's SDK; ``own`` is what its own spans are to be."""
    import anthropic

    client = anthropic.Anthropic(
        api_key="none", base_url=upstream, max_retries=0, open_telemetry=own or False
    )
    mark = {"cache_control": {"type": "ephemeral"}}
    system = [{"type": "text", "text": SYSTEM, **mark}]
    messages: list[dict[str, Any]] = []
    for question in QUESTIONS:
        words = NEW if question == QUESTIONS[-1] else OLD
        tool = {"name": "look", "description": words, "input_schema": {"type": "object"}}
        asked = {"type": "text", "text": question}
        sent = [*messages, {"role": "user", "content": [{**asked, **mark}]}]
        answer = client.messages.create(
            model="claude-sonnet-5", max_tokens=64, system=system, tools=[tool], messages=sent
        )
        said = {"type": "text", "text": answer.content[0].text}
        messages += [{"role": "user", "content": [asked]}, {"role": "assistant", "content": [said]}]


def ask_gpt(upstream: str) -> None:
    """The same with OpenAI's; the second answer is streamed."""
    import openai

    client = openai.OpenAI(api_key="none", base_url=upstream, max_retries=0)
    messages: list[dict[str, Any]] = [{"role": "system", "content": SYSTEM}]
    for question in QUESTIONS:
        words = NEW if question == QUESTIONS[-1] else OLD
        function = {"name": "look", "description": words, "parameters": {"type": "object"}}
        messages.append({"role": "user", "content": question})
        sent: dict[str, Any] = {
            "model": "gpt-5.1",
            "messages": messages,
            "tools": [{"type": "function", "function": function}],
        }
        if question == "second":
            more = {"stream": True, "stream_options": {"include_usage": True}}
            for _ in client.chat.completions.create(**sent, **more):
                pass
        else:
            client.chat.completions.create(**sent)
        messages.append({"role": "assistant", "content": "Yes."})


def main(name: str, protocol: str, endpoint: str, upstream: str) -> None:
    tracing, logging = providers(protocol, endpoint)
    own: dict[str, Any] = {}
    if name == "anthropic":
        own = {"tracer_provider": tracing, "traces": {"content_mode": "content"}}
    else:
        instrument(name, tracing, logging)
    if "anthropic" in name:
        ask_claude(upstream, own)
    else:
        ask_gpt(upstream)
    tracing.shutdown()
    logging.shutdown()


if __name__ == "__main__":
    main(*sys.argv[1:])
