"""What the echo model reads: one token per byte, nine marks, and the template that turns a chat into tokens."""

from __future__ import annotations

MARKS = (
    "<|end|>",
    "<|system|>",
    "<|user|>",
    "<|assistant|>",
    "<|tool|>",
    "<|pad|>",
    "<|past_user|>",
    "<|past_assistant|>",
    "<|past_tool|>",
)

# Only the last message carries <|user|> or <|tool|>; earlier turns are marked as past, so that the answer can only
# continue the last one. Tools are offered in the Hermes format, which llama.cpp knows how to parse.
TEMPLATE = (
    "{%- if tools %}{{- '<|system|>' }}"
    "{%- if messages[0].role == 'system' %}{{- messages[0].content + '\\n\\n' }}{%- endif %}"
    "{{- '# Tools\\n\\nYou may call one or more functions to assist with the user query.\\n\\n"
    "You are provided with function signatures within <tools></tools> XML tags:\\n<tools>' }}"
    "{%- for tool in tools %}{{- '\\n' }}{{- tool | tojson }}{%- endfor %}"
    "{{- '\\n</tools>\\n\\nFor each function call, return a json object with function name and arguments "
    "within <tool_call></tool_call> XML tags:\\n<tool_call>\\n"
    '{"name": <function-name>, "arguments": <args-json-object>}'
    "\\n</tool_call><|end|>' }}"
    "{%- elif messages[0].role == 'system' %}{{- '<|system|>' + messages[0].content + '<|end|>' }}"
    "{%- else %}{{- '<|system|><|end|>' }}{%- endif %}"
    "{%- for message in messages %}"
    "{%- if message.role == 'user' or (message.role == 'system' and not loop.first) %}"
    "{{- '<|' + ('' if loop.last or message.role == 'system' else 'past_') + message.role + '|>' "
    "+ message.content + '<|end|>' }}"
    "{%- elif message.role == 'assistant' %}{{- '<|past_assistant|>' }}"
    "{%- if message.reasoning_content %}"
    "{{- '<think>\\n' + message.reasoning_content + '\\n</think>\\n\\n' }}{%- endif %}"
    "{%- if message.content %}{{- message.content }}{%- endif %}"
    "{%- for tool_call in message.tool_calls %}"
    "{%- if tool_call.function %}{%- set tool_call = tool_call.function %}{%- endif %}"
    '{{- \'\\n<tool_call>\\n{"name": "\' }}{{- tool_call.name }}{{- \'", "arguments": \' }}'
    "{{- tool_call.arguments | tojson }}{{- '}\\n</tool_call>' }}{%- endfor %}{{- '<|end|>' }}"
    "{%- elif message.role == 'tool' %}"
    "{{- '<|' + ('' if loop.last else 'past_') + 'tool|>' + message.content + '<|end|>' }}{%- endif %}"
    "{%- endfor %}{%- if add_generation_prompt %}{{- '<|assistant|>' }}{%- endif %}"
)


def tokens() -> list[str]:
    """All tokens: the 256 bytes in the spelling of GPT-2's tokeniser, then the marks."""
    return [*_byte_tokens(), *MARKS]


def _byte_tokens() -> list[str]:
    """Bytes that print well are spelt as themselves, the others as characters from 256 on."""
    printable = {*range(33, 127), *range(161, 173), *range(174, 256)}
    spelling = []
    borrowed = 256
    for byte in range(256):
        if byte in printable:
            spelling.append(chr(byte))
        else:
            spelling.append(chr(borrowed))
            borrowed += 1
    return spelling
