"""Arousal and valence of speech by wav2vec 2.0, fine-tuned on MSP-Podcast (Wagner et al., "Dawn of the
Transformer Era in Speech Emotion Recognition", IEEE TPAMI 45(9), 2023).

The network gives arousal, dominance and valence from about 0 to 1; pitch, loudness and rate are measured as
ever. Its licence (CC BY-NC-SA 4.0) allows no commercial use.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from clipbench.analyzers.base import ClipView, Segment, setting
from clipbench.analyzers.features.sound.spectra import SAMPLE_RATE
from clipbench.analyzers.features.speech import voice_activity
from clipbench.analyzers.features.speech.voice_activity import PitchSettings
from clipbench.analyzers.production import device as devices
from clipbench.analyzers.production.base import ProductionSettings
from clipbench.analyzers.production.device import OnDevice
from clipbench.analyzers.production.hub import FromHub, library_class
from clipbench.analyzers.production.weights import HubModel
from clipbench.analyzers.speech_emotion import SpeechEmotion, measure, split

_AROUSAL, _VALENCE = 0, 2  # places of the network's outputs
#: Activations of one second of sound in MB, generously: the first convolutions are 512 wide at 3200 Hz.
_SECOND_MB = 25.0


@dataclass
class Wav2Vec2Settings(PitchSettings, ProductionSettings):
    batch: int = setting(16, "windows per run of the network, where memory allows", low=1, high=1024)
    window_s: float = setting(2.0, "seconds of speech judged at a time", low=0.5, high=30)
    join_gap_s: float = setting(0.3, "a shorter gap does not divide speech", low=0.0, high=5)
    neutral: float = setting(0.3, "distance from the middle up to which speech is neutral", low=0.0, high=1)


class Wav2Vec2Emotion(FromHub, OnDevice, SpeechEmotion):
    """The embedded analyzer with a network's judgement in the place of the estimate."""

    name = "speech_emotion"
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

    def analyze(self, clip: ClipView, upstream) -> list[Segment]:
        audio = clip.audio()
        found = voice_activity.join(
            voice_activity.regions(clip, self._vad, self.settings), self.settings.join_gap_s
        )
        spans = [span for region in found for span in split(region, self.settings.window_s)]
        if not spans:
            return []
        # The network works while pitch is tracked on the CPU.
        judged = self._judge([audio[round(a * SAMPLE_RATE) : round(b * SAMPLE_RATE)] for a, b in spans])
        track = voice_activity.pitch(clip, self._pitch, found, self.settings)
        voices = [measure(audio, track, *span) for span in spans]
        (scores,) = devices.download(judged)
        centred = np.clip(np.nan_to_num(2 * scores - 1), -1, 1)[:, [_AROUSAL, _VALENCE]].tolist()
        return [
            self._segment(span, voice, track.between(*span), *feeling)
            for span, voice, feeling in zip(spans, voices, centred, strict=True)
        ]

    def _judge(self, sounds: list[np.ndarray]):
        """Arousal, dominance and valence of each sound, float32 [N, 3] on the device."""
        import torch

        net = self.nets["emotion"]
        longest = max(map(len, sounds))
        waves = np.zeros((len(sounds), longest), np.float32)
        there = np.zeros((len(sounds), longest), bool)
        for row, sound in enumerate(sounds):
            waves[row, : len(sound)] = (sound - sound.mean()) / np.sqrt(sound.var() + 1e-7)
            there[row, : len(sound)] = True
        batch = devices.fitting_batch(self.settings.batch, _SECOND_MB * longest / SAMPLE_RATE, self.device)
        self._facts = {"windows": len(sounds), "batch": min(batch, len(sounds))}
        found = []
        with torch.inference_mode(), devices.phase(self.device, "wav2vec 2.0"):
            waves, there = (devices.upload(values, self.device) for values in (waves, there))
            for part in devices.batches(len(sounds), batch):
                found.append(net(waves[part].to(net.dtype), there[part].long()).float())
            return torch.cat(found)


def emotion_model() -> type:
    """The class of the network, as its authors publish it: a mean over time, and two layers behind it."""
    pretrained, encoder = library_class("Wav2Vec2PreTrainedModel"), library_class("Wav2Vec2Model")
    import torch

    class Head(torch.nn.Module):
        def __init__(self, config) -> None:
            super().__init__()
            self.dense = torch.nn.Linear(config.hidden_size, config.hidden_size)
            self.out_proj = torch.nn.Linear(config.hidden_size, config.num_labels)

        def forward(self, features):
            return self.out_proj(torch.tanh(self.dense(features)))

    class EmotionModel(pretrained):
        def __init__(self, config) -> None:
            super().__init__(config)
            self.wav2vec2 = encoder(config)
            self.classifier = Head(config)
            self.post_init()

        def forward(self, waves, there):
            """Scores [N, labels] of sounds [N, samples], of which `there` is 1 where they have not ended."""
            states = self.wav2vec2(waves, attention_mask=there).last_hidden_state
            ended = ~self._get_feature_vector_attention_mask(states.shape[1], there)
            kept = states.masked_fill(ended.unsqueeze(-1), 0)
            return self.classifier(kept.sum(1) / (~ended).sum(1, keepdim=True).to(states.dtype))

    return EmotionModel
