"""Diagnoses as OpenTelemetry spans, for the tracing that people already have."""
