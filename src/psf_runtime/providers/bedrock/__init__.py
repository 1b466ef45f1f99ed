"""Amazon Bedrock's Converse and ConverseStream, both ways."""

from psf_runtime.providers.bedrock.codec import BedrockConverse
from psf_runtime.providers.bedrock.encode import model_of, path_of
from psf_runtime.providers.bedrock.eventstream import Frame, FrameDecoder, encode_frame
from psf_runtime.providers.bedrock.serve import StreamEncoder
from psf_runtime.providers.bedrock.tables import MODEL_FIELDS

__all__ = [
    "MODEL_FIELDS",
    "BedrockConverse",
    "Frame",
    "FrameDecoder",
    "StreamEncoder",
    "encode_frame",
    "model_of",
    "path_of",
]
