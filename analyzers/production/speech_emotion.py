"""Arousal and valence of speech by wav2vec 2.0, fine-tuned on MSP-Podcast (Wagner et al., "Dawn of the
Transformer Era in Speech Emotion Recognition", IEEE TPAMI 45(9), 2023).

The network gives arousal, dominance and valence from about 0 to 1; pitch, loudness and rate are measured as
in the embedded profile. Its licence (CC BY-NC-SA 4.0) does not allow commercial use.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from clipbench.analyzers.base import ClipFacts, Segment, setting
from clipbench.analyzers.features.sound.spectra import SAMPLE_RATE
from clipbench.analyzers.features.speech.voice_activity import Listening
from clipbench.analyzers.production import torch_device, transfers
from clipbench.analyzers.production.base import ProductionSettings
from clipbench.analyzers.production.batching import batches, fitting_batch
from clipbench.analyzers.production.hub import FromHub, library_class
from clipbench.analyzers.production.parking import OnDevice
from clipbench.analyzers.production.pretrained import HubModel
from clipbench.analyzers.speech_emotion import (
    Hearing,
    SpeechEmotion,
    SpeechEmotionSettings,
    Spoken,
    part_sound,
    split_region,
)

if TYPE_CHECKING:
    import torch

_AROUSAL, _VALENCE = 0, 2  # places of the network's outputs
#: Activations of one second of sound in MB, generously: the first convolutions are 512 wide at 3200 Hz.
_SECOND_MB = 25.0


@dataclass
class Wav2Vec2Settings(SpeechEmotionSettings, ProductionSettings):
    """Settings of speech_emotion on wav2vec 2.0."""

    batch: int = setting(16, "windows per run of the network, if memory allows", low=1, high=1024)


class Wav2Vec2Emotion(FromHub, OnDevice, SpeechEmotion):
    """The embedded analyzer with a network's judgement instead of the estimate."""

    name = "speech_emotion"
    settings: Wav2Vec2Settings
    settings_type = Wav2Vec2Settings
    stand_in = None
    hub_model = HubModel("audeering/wav2vec2-large-robust-12-ft-emotion-msp-dim", 0.7)
    config_name = "wav2vec2"
    memory_gb = 1.5

    def models(self) -> tuple[str, ...]:
        return (*FromHub.models(self), *SpeechEmotion.models(self))

    def load(self, device: str = "cpu") -> None:
        SpeechEmotion.load(self, device)
        self.place(device, emotion=self.build(emotion_model(), device))

    def unload(self) -> None:
        SpeechEmotion.unload(self)
        OnDevice.unload(self)

    def measured(self, stretches: Sequence[tuple[float, float]], listening: Listening) -> list[Spoken]:
        spans = [span for stretch in stretches for span in split_region(*stretch, self.settings.window_s)]
        # The network computes while pitch is tracked on the CPU.
        judged = self.judge_sounds([part_sound(listening, span) for span in spans])
        found = super().measured(stretches, listening)
        (scores,) = transfers.download(judged)
        centred = np.clip(np.nan_to_num(2 * scores - 1), -1, 1)
        return [
            spoken._replace(feeling=(float(row[_AROUSAL]), float(row[_VALENCE])))
            for spoken, row in zip(found, centred, strict=True)
        ]

    def finish(
        self,
        clip: ClipFacts,
        found: Sequence[list[Spoken]],
        state: Hearing,
        upstream: Mapping[str, list[Segment]],
    ) -> list[Segment]:
        self._facts = {**self._facts, "windows": sum(map(len, found))}
        return super().finish(clip, found, state, upstream)

    def judge_sounds(self, sounds: list[np.ndarray]) -> torch.Tensor:
        """Arousal, dominance and valence of each sound, float32 [N, 3] on the device."""
        import torch

        network = self.networks["emotion"]
        dtype = next(network.parameters()).dtype
        longest = max(map(len, sounds))
        padded = np.zeros((len(sounds), longest), np.float32)
        valid = np.zeros((len(sounds), longest), bool)
        for row, sound in enumerate(sounds):
            padded[row, : len(sound)] = (sound - sound.mean()) / np.sqrt(sound.var() + 1e-7)
            valid[row, : len(sound)] = True
        batch = fitting_batch(self.settings.batch, _SECOND_MB * longest / SAMPLE_RATE, self.device)
        self._facts = {"windows": len(sounds), "batch": min(batch, len(sounds))}
        found = []
        with torch.inference_mode(), torch_device.phase(self.device, "wav2vec 2.0"):
            waves, mask = (transfers.upload(values, self.device) for values in (padded, valid))
            for part in batches(len(sounds), batch):
                found.append(network(waves[part].to(dtype), mask[part].long()).float())
            return torch.cat(found)


def emotion_model() -> type[torch.nn.Module]:
    """The class of the network as its authors publish it: the mean over time, followed by two layers."""
    pretrained, encoder = library_class("Wav2Vec2PreTrainedModel"), library_class("Wav2Vec2Model")
    import torch

    class Head(torch.nn.Module):
        def __init__(self, config: Any) -> None:
            super().__init__()
            self.dense = torch.nn.Linear(config.hidden_size, config.hidden_size)
            self.out_proj = torch.nn.Linear(config.hidden_size, config.num_labels)

        def forward(self, features: torch.Tensor) -> torch.Tensor:
            scores: torch.Tensor = self.out_proj(torch.tanh(self.dense(features)))
            return scores

    class EmotionModel(pretrained):  # type: ignore[misc, valid-type]  # the library is imported only here
        def __init__(self, config: Any) -> None:
            super().__init__(config)
            self.wav2vec2 = encoder(config)
            self.classifier = Head(config)
            self.post_init()

        def forward(self, waves: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
            """Scores [N, labels] of sounds [N, samples]; `mask` is 1 up to the end of each sound."""
            states = self.wav2vec2(waves, attention_mask=mask).last_hidden_state
            ended = ~self._get_feature_vector_attention_mask(states.shape[1], mask)
            kept = states.masked_fill(ended.unsqueeze(-1), 0)
            scores: torch.Tensor = self.classifier(
                kept.sum(1) / (~ended).sum(1, keepdim=True).to(states.dtype)
            )
            return scores

    return EmotionModel
