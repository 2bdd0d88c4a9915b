"""What a model is told of each tool, in its language: the same on every platform."""

from typing import Any, Final

from einmal.adapters.functions.tool_fields import FIELDS
from einmal.adapters.functions.toolbox import BOOKING_MS, Tool
from einmal.speech.said import Language

MOMENT: Final = {
    Language.GERMAN: "Einen Moment bitte, ich kümmere mich darum.",
    Language.ENGLISH: "One moment please, I am seeing to it.",
}


def description_of(tool: Tool, language: Language) -> str:
    """What it does, and what the model is told of its answer."""
    return " ".join(text[language] for text in (tool.does, *tool.rules))


def fields_of(tool: Tool, language: Language, services: tuple[str, ...]) -> dict[str, dict[str, Any]]:
    """Its fields as JSON Schema."""
    return {field: _property(field, language, services) for field in tool.fields}


def moment_of(tool: Tool, language: Language) -> str | None:
    """What is said while it works: of what writes only, for of a check it would be a lie."""
    return MOMENT[language] if tool.timeout_ms == BOOKING_MS else None


def _property(field: str, language: Language, services: tuple[str, ...]) -> dict[str, Any]:
    kind, text = FIELDS[field]
    described: dict[str, Any] = {"type": kind, "description": text[language]}
    if field == "dienstleistung" and services:
        described["enum"] = list(services)
    return described
