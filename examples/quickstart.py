"""The first ten lines: what a provider would receive, what you receive, and what the log keeps."""

from psf_runtime import Client

client = Client("mock:echo")  # "openai:gpt-4o" once OPENAI_API_KEY is set
question = "Tell jane.doe@example.com (+1 202 555 0143) that her refund is on its way."
print(client.preview(question).text)  # what a provider would receive; nothing is sent
answer = client.complete(question)
print(answer.text)  # what you receive
print(answer.decision)  # what the log keeps
