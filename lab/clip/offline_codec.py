"""A codec applied to a clip without any network: the best that a call with it can be.

G.711, GSM, linear PCM and Opus come with libsndfile; what else there is, ffmpeg does where it is
installed.
"""

from __future__ import annotations

import io
import shutil
import subprocess
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
import soundfile

from lab.errors import LabError
from lab.measure.wav import Wav

FFMPEG_TIMEOUT_S = 60
_OPUS_KBPS = (6.0, 256.0)
"""What libsndfile's compression levels 1 and 0 mean for Opus, per channel (its `ogg_opus.c`)."""


@dataclass(frozen=True, slots=True)
class OfflineCodec:
    """How a codec is reached.

    `container` and `subtype` are libsndfile's names; `encoder` is ffmpeg's, with the container
    that carries it; `rate_hz` is the rate that is coded.
    """

    rate_hz: int
    container: str
    subtype: str | None = None
    encoder: tuple[str, ...] = ()


class CodecError(LabError):
    """A program that has the codec did not do its work."""


CODINGS = {
    "PCMU": OfflineCodec(8_000, "WAV", "ULAW"),
    "PCMA": OfflineCodec(8_000, "WAV", "ALAW"),
    "GSM": OfflineCodec(8_000, "WAV", "GSM610"),
    "OPUS": OfflineCodec(16_000, "OGG", "OPUS"),
    "L16-16": OfflineCodec(16_000, "WAV", "PCM_16"),
    "L16-32": OfflineCodec(32_000, "WAV", "PCM_16"),
    "L16-48": OfflineCodec(48_000, "WAV", "PCM_16"),
    "SPEEX": OfflineCodec(8_000, "ogg", encoder=("libspeex",)),
    "ILBC": OfflineCodec(8_000, "lbc", encoder=("libilbc",)),
    "G722": OfflineCodec(16_000, "g722", encoder=("g722",)),
}
"""By name as in the lab."""


def apply_codec(codec: str, clip: Wav, bitrate_kbps: int | None = None) -> Wav | None:
    """The clip coded and decoded; None where this host has no such codec.

    `bitrate_kbps` is for Opus alone, the mean of a rate that varies with the speech: libsndfile
    has no constant one. Raises LabError for a codec nobody here has heard of, CodecError where the
    program that has it fails.
    """
    coding = CODINGS.get(codec.upper())
    if coding is None:
        raise LabError(f"{codec} is no codec that can be applied.", f"Known: {', '.join(CODINGS)}.")
    if coding.subtype is not None:
        return _by_libsndfile(coding, clip, bitrate_kbps)
    return _by_ffmpeg(coding, clip)


def _by_libsndfile(coding: OfflineCodec, clip: Wav, bitrate_kbps: int | None) -> Wav | None:
    if coding.subtype not in soundfile.available_subtypes(coding.container):
        return None
    samples = np.clip(clip.mono(coding.rate_hz), -1.0, 1.0)
    coded = io.BytesIO()
    rate: dict[str, Any] = {}
    if bitrate_kbps is not None:
        low, high = _OPUS_KBPS
        level = (high - bitrate_kbps) / (high - low)
        rate = {"compression_level": level}
    soundfile.write(
        coded, samples, coding.rate_hz, format=coding.container, subtype=coding.subtype, **rate
    )
    coded.seek(0)
    decoded, rate_hz = soundfile.read(coded, dtype="float64", always_2d=True)
    return Wav(decoded, rate_hz, clip.name)


def _by_ffmpeg(coding: OfflineCodec, clip: Wav) -> Wav | None:
    program = shutil.which("ffmpeg")
    if program is None or not _has_encoder(program, *coding.encoder):
        return None
    plain = io.BytesIO()
    samples = np.clip(clip.mono(coding.rate_hz), -1.0, 1.0)
    soundfile.write(plain, samples, coding.rate_hz, format="WAV", subtype="PCM_16")
    quiet = [program, "-hide_banner", "-loglevel", "error", "-nostdin"]
    encode = [*quiet, "-i", "-", "-c:a", *coding.encoder, "-f", coding.container, "-"]
    decode = [*quiet, "-f", coding.container, "-i", "-", "-c:a", "pcm_s16le", "-f", "s16le"]
    decode += ["-ac", "1", "-ar", str(coding.rate_hz), "-"]
    decoded = _through(decode, _through(encode, plain.getvalue()))
    pcm = np.frombuffer(decoded[: len(decoded) // 2 * 2], dtype="<i2").astype(np.float64) / 32768
    if not len(pcm):
        raise CodecError(f"ffmpeg gave no audio back from {coding.encoder[0]}.")
    return Wav(pcm[:, None], coding.rate_hz, clip.name)


@cache
def _has_encoder(program: str, encoder: str) -> bool:
    """Whether this ffmpeg was built with the encoder: it lists those it has."""
    listed = _through([program, "-hide_banner", "-loglevel", "error", "-encoders"], b"")
    return encoder in {line.split()[1] for line in _text(listed).splitlines() if line.split()[1:]}


def _through(command: list[str], content: bytes) -> bytes:
    """What a run of ffmpeg makes of `content`; LabError, with what was seen, where it fails."""
    try:
        done = subprocess.run(
            command, input=content, capture_output=True, check=True, timeout=FFMPEG_TIMEOUT_S
        )
    except subprocess.TimeoutExpired as error:
        raise CodecError(
            f"ffmpeg had not coded the clip after {FFMPEG_TIMEOUT_S} s.",
            "A shorter clip takes less, and so does a host that does nothing else.",
        ) from error
    except subprocess.CalledProcessError as error:
        raise CodecError(
            f"ffmpeg ended with exit status {error.returncode}.", _text(error.stderr).strip()
        ) from error
    except OSError as error:
        raise CodecError(f"{command[0]} cannot be run: {error.strerror}.") from error
    return done.stdout


def _text(output: bytes) -> str:
    return output.decode(errors="replace")
