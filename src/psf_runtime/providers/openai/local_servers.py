"""Local servers that speak chat completions, each with its gaps: a table.

What a server ignores in silence is the danger: a schema that is not enforced, a tool that is never called. Such a
capability is left out, so that a call which needs it goes to another target, or is refused before it is sent.

Sources: captured traffic of llama.cpp, llama-cpp-python and transformers serve; for the others their documentation:
vLLM, "OpenAI-Compatible Server"; Ollama, "OpenAI compatibility"; LM Studio, "OpenAI Compatibility Endpoints" and "Tool
Use"; Text Generation Inference, "Messages API" and "Guidance". What these do not promise is left out.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from psf_runtime.providers.openai.differences import CHAT, LOCAL, Differences

LOCAL_SERVERS: Mapping[str, Differences] = {
    # Enforces schemas and tools by a grammar; a picture for a model that reads text only is an error.
    "llama.cpp": LOCAL,
    "vllm": replace(LOCAL, join_text=False, empty_content=None),
    # Takes pictures as data only, and has no choice of a tool: the model decides.
    "ollama": replace(LOCAL, image_urls=False, tool_choices=frozenset()),
    # Takes a choice of a tool as one word only.
    "lmstudio": replace(
        LOCAL, image_urls=False, tool_choices=frozenset({"none", "required"}), capabilities=CHAT - {"reasoning"}
    ),
    # Has a schema format of its own, and cannot hold a schema and tools at the same time.
    "tgi": replace(LOCAL, capabilities=CHAT - {"json_schema", "reasoning"}),
    # Answers a schema and parts of content with an error 500, leaves tool calls in the text unless one tool is named,
    # ignores `required`, and never sends the usage of a stream.
    "llama-cpp-python": replace(
        LOCAL,
        stream_usage=False,
        image_urls=False,
        tool_choices=frozenset({"named", "none"}),
        capabilities=frozenset({"seed", "stream"}),
    ),
    # Ignores schemas, tools and pictures without a word, and leaves the stop text in the answer.
    "transformers": replace(
        LOCAL,
        image_urls=False,
        stop_in_text=True,
        tool_choices=frozenset(),
        capabilities=frozenset({"stream", "usage"}),
    ),
}
