"""Greedy decoding of a batch of equally long prompts with a static cache, without waiting for the device.

Every sequence is decoded for the whole budget of tokens and cut at its end afterwards: looking for ends
would make the host wait at every token. On a GPU the step is recorded as a CUDA graph, because starting its
kernels one by one takes longer than running them.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any, NamedTuple

from clipbench.analyzers.production import torch_device

if TYPE_CHECKING:
    import torch


@cache
def recording_stream(device: str) -> torch.cuda.Stream:
    """The one stream that steps are recorded in: each has a workspace of cuBLAS, and PyTorch has only 32."""
    import torch

    cuda: Any = torch.cuda  # its streams have no types
    stream: torch.cuda.Stream = cuda.Stream(device)
    return stream


class Decoder:
    """Decodes `rows` prompts of `length` tokens for `budget` tokens each, with the language half of `model`.

    All memory is allocated once. A CUDA graph holds addresses: after the model has moved, make a new decoder.
    """

    def __init__(self, model: Any, rows: int, length: int, budget: int, device: str, graph: bool) -> None:
        import torch
        from transformers import StaticCache

        self.shape = (rows, length, budget)
        self.device, self.length, self.budget = device, length, budget
        self.language, self.head = model.model.language_model, model.lm_head
        places = -(-(length + budget) // 8) * 8  # kernels want masks of such lengths
        self.cache: Any = StaticCache(config=model.config.text_config, max_cache_len=places)
        with torch.device(device):
            self.tokens = torch.zeros(rows, budget, dtype=torch.long)
            self.last = torch.zeros(rows, 1, dtype=torch.long)
            self.position = torch.zeros(3, rows, 1, dtype=torch.long)
            self.place = torch.zeros(1, dtype=torch.long)  # in the cache, of the token that is read next
            self.written = torch.zeros(1, dtype=torch.long)
            self.visible = torch.zeros(1, 1, 1, places, dtype=torch.bool)
            causal = torch.ones(length, length, dtype=torch.bool).tril()
            self.causal = torch.nn.functional.pad(causal, (0, places - length)).view(1, 1, length, places)
        self.graph: torch.cuda.CUDAGraph | None = None
        self.why_no_graph = "" if graph else "not asked for"
        if not torch_device.on_gpu(device):
            self.why_no_graph = "there is no GPU"

    def prefill(self, embeddings: torch.Tensor, positions: torch.Tensor) -> None:
        """Read the prompts, `embeddings` [rows, length, D] at `positions` [3, rows, length]."""
        self.cache.reset()
        first = self._next(embeddings, positions, self.causal)
        self.restart(first, positions)
        if torch_device.on_gpu(self.device) and self.graph is None and not self.why_no_graph:
            self.record_step(first, positions)

    def decode(self) -> torch.Tensor:
        """The tokens [rows, budget], which the next prefill overwrites."""
        for _ in range(self.budget - 1):
            if self.graph is not None:
                self.graph.replay()
            else:
                self.step()
        return self.tokens

    def restart(self, first: torch.Tensor, positions: torch.Tensor) -> None:
        """Set the state to that after the prompt and its `first` token, whatever was decoded since."""
        for layer in self.cache.layers:
            layer.cumulative_length.fill_(self.length)
        self.last.copy_(first)
        self.tokens[:, :1] = first
        self.written.fill_(1)
        self.place.fill_(self.length)
        self.position.copy_(positions.amax((0, 2), keepdim=True).expand(3, -1, 1) + 1)
        self.visible.fill_(False)
        self.visible[..., : self.length] = True

    def step(self) -> None:
        """Read the last token and write the next one, with all state on the device."""
        self.visible.index_fill_(3, self.place, True)
        embeddings = self.language.get_input_embeddings()(self.last)
        self.last.copy_(self._next(embeddings, self.position, self.visible))
        self.tokens.index_copy_(1, self.written, self.last)
        for counter in (self.position, self.place, self.written):
            counter.add_(1)

    def _next(self, embeddings: torch.Tensor, positions: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        """The most likely next tokens [rows, 1]; `mask` is true where a token sees a place of the cache."""
        states = self.language(
            inputs_embeds=embeddings,
            position_ids=positions,
            attention_mask={"full_attention": mask},
            past_key_values=self.cache,
            use_cache=True,
        ).last_hidden_state
        tokens: torch.Tensor = self.head(states[:, -1]).argmax(-1, keepdim=True)
        return tokens

    def record_step(self, first: torch.Tensor, positions: torch.Tensor) -> None:
        """Record a step as a CUDA graph; if that fails, steps run one kernel at a time."""
        import torch

        current, side = torch.cuda.current_stream(self.device), recording_stream(self.device)
        try:
            side.wait_stream(current)
            with torch.cuda.stream(side):
                for _ in range(2):  # libraries allocate and choose kernels at their first calls
                    self.step()
            current.wait_stream(side)
            graph = torch.cuda.CUDAGraph()
            # Other threads of this process may allocate meanwhile.
            with torch.cuda.graph(graph, stream=side, capture_error_mode="thread_local"):
                self.step()
            self.graph = graph
            torch_device.graph_recorders.add(self)
        except torch.OutOfMemoryError:
            raise
        except RuntimeError as error:
            self.why_no_graph = str(error).splitlines()[0]
        finally:
            torch.cuda.set_stream(current)  # a recording that fails leaves its own one set
        self.restart(first, positions)


class Run(NamedTuple):
    """How a chunk's seconds were described."""

    batch: int
    prompt_tokens: int
    visual_tokens: int
    prefill_s: float
    decode_s: float
    decoded_tokens: int
    cuda_graph: bool
    why_no_cuda_graph: str


def facts_of(runs: list[Run]) -> dict[str, Any]:
    """The facts about all runs of a clip together; of the last one, where they cannot differ."""
    if not runs:
        return {}
    prefill_s, decode_s = (sum(getattr(run, part) for run in runs) for part in ("prefill_s", "decode_s"))
    decoded = sum(run.decoded_tokens for run in runs)
    return {
        "batch": max(run.batch for run in runs),
        "prompt_tokens": runs[-1].prompt_tokens,
        "visual_tokens": runs[-1].visual_tokens,
        "prefill_s": round(prefill_s, 4),
        "decode_s": round(decode_s, 4),
        "decoded_tokens_per_s": round(decoded / max(decode_s, 1e-9), 1),
        "cuda_graph": all(run.cuda_graph for run in runs),
        "why_no_cuda_graph": next((run.why_no_cuda_graph for run in runs if run.why_no_cuda_graph), ""),
    }
