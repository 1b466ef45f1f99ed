"""A stream: tokens are cut into pieces on their way and arrive as the values they stand for."""

from psf_runtime import Client

QUESTION = "Chère Zoé, votre colis part demain ; le livreur appellera le +1 202 555 0178 et écrira à zoe@example.net."

with Client("mock:echo") as client, client.stream(QUESTION) as stream:
    for text in stream.text_stream:
        print(text, end="", flush=True)
    print()
    print(stream.completion.decision)
