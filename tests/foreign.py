"""A model that transformers does not know: it brings along the code that it is made of."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from tests.tiny import WORDS, tokenizer

CODE = '''
from pathlib import Path

import torch
from torch import nn
from transformers import GenerationMixin, PreTrainedModel, PretrainedConfig
from transformers.modeling_outputs import CausalLMOutputWithPast

(Path(__file__).parent / "ran").touch()


class OwnConfig(PretrainedConfig):
    model_type = "own"

    def __init__(self, vocab_size=400, hidden_size=48, num_hidden_layers=2, **rest):
        self.vocab_size, self.hidden_size, self.num_hidden_layers = vocab_size, hidden_size, num_hidden_layers
        self.num_attention_heads, self.max_position_embeddings = 2, 512
        super().__init__(**rest)


class Mixer(nn.Module):
    """Mixes a token with the mean of those before it."""

    def __init__(self, size):
        super().__init__()
        self.up, self.past, self.down = nn.Linear(size, size), nn.Linear(size, size), nn.Linear(size, size)

    def forward(self, hidden, seen):
        before = (hidden * seen).cumsum(1) / seen.cumsum(1).clamp(min=1)
        return hidden + self.down(torch.tanh(self.up(hidden) + self.past(before)))


class OwnModel(PreTrainedModel, GenerationMixin):
    config_class = OwnConfig

    def __init__(self, config):
        super().__init__(config)
        self.embed = nn.Embedding(config.vocab_size, config.hidden_size)
        self.layers = nn.ModuleList(Mixer(config.hidden_size) for _ in range(config.num_hidden_layers))
        self.out = nn.Linear(config.hidden_size, config.vocab_size, bias=False)
        self.post_init()

    def get_input_embeddings(self):
        return self.embed

    def get_output_embeddings(self):
        return self.out

    def prepare_inputs_for_generation(self, input_ids, attention_mask=None, **rest):
        return {"input_ids": input_ids, "attention_mask": attention_mask}

    def forward(self, input_ids=None, attention_mask=None, inputs_embeds=None, labels=None, **rest):
        hidden = self.embed(input_ids) if inputs_embeds is None else inputs_embeds
        seen = torch.ones_like(hidden[..., :1])
        if attention_mask is not None and attention_mask.dim() == 2:
            seen = attention_mask[..., None].to(hidden.dtype)
        for layer in self.layers:
            hidden = layer(hidden, seen)
        return CausalLMOutputWithPast(logits=self.out(hidden))
'''


def save_foreign(folder: Path, chat: str | None = None) -> Path:
    """The folder, with random weights; when its code is run, a file "ran" lies beside the code."""
    import torch
    from safetensors.torch import save_file

    space: dict[str, object] = {"__name__": "own", "__file__": str(folder / "own.py")}
    folder.mkdir(parents=True)
    exec(CODE, space)
    (folder / "ran").unlink()
    torch.manual_seed(0)
    model = space["OwnModel"](space["OwnConfig"](vocab_size=WORDS))  # type: ignore[operator]
    save_file(model.state_dict(), folder / "model.safetensors", metadata={"format": "pt"})
    (folder / "own.py").write_text(CODE)
    autos = {"AutoConfig": "own.OwnConfig", "AutoModelForCausalLM": "own.OwnModel"}
    settings = {"model_type": "own", "auto_map": autos, "vocab_size": WORDS, "bos_token_id": 0}
    (folder / "config.json").write_text(json.dumps({**settings, "eos_token_id": 1, "pad_token_id": 1}))
    tokenizer(chat).save_pretrained(folder)
    return folder


def keep_modules_in(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let transformers copy the code that it runs to `folder`, here and in processes that are started, and
    import it from there even when another test had a model of this name."""
    for name in [name for name in sys.modules if name.partition(".")[0] == "transformers_modules"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setenv("HF_MODULES_CACHE", str(folder))
    monkeypatch.setattr("transformers.dynamic_module_utils.HF_MODULES_CACHE", str(folder))
