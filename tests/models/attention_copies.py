"""Our layers with the weights of torch's."""

import torch
from torch import nn

from chainrule.models.attention import MultiHeadAttention, multi_head_attention
from chainrule.models.transformer import Decoder, Encoder, decoder, encoder


def pairs_of_attention(ours: MultiHeadAttention, theirs: nn.MultiheadAttention, of) -> list:
    """(our tensor, theirs) by name; `of` gives a parameter's own tensor or its gradient."""
    if theirs.in_proj_weight is None:
        weights = [of(w) for w in (theirs.q_proj_weight, theirs.k_proj_weight, theirs.v_proj_weight)]
    else:
        weights = of(theirs.in_proj_weight).chunk(3)
    maps = (ours.query, ours.key, ours.value)
    pairs = [(of(linear.weight), weight) for linear, weight in zip(maps, weights, strict=True)]
    pairs += [(of(m.bias), bias) for m, bias in zip(maps, of(theirs.in_proj_bias).chunk(3), strict=True)]
    return pairs + pairs_of_modules([(ours.output, theirs.out_proj)], of)


def pairs_of_modules(modules, of) -> list:
    pairs = []
    for ours, theirs in modules:
        if ours is not None:
            pairs += [(of(ours.weight), of(theirs.weight)), (of(ours.bias), of(theirs.bias))]
    return pairs


def pairs_of_encoder_layer(ours, theirs, of) -> list:
    return pairs_of_attention(ours.attention, theirs.self_attn, of) + pairs_of_modules(
        [
            (ours.feed_forward.expand, theirs.linear1),
            (ours.feed_forward.contract, theirs.linear2),
            (ours.around_attention.norm, theirs.norm1),
            (ours.around_feed_forward.norm, theirs.norm2),
        ],
        of,
    )


def pairs_of_decoder_layer(ours, theirs, of) -> list:
    pairs = pairs_of_attention(ours.attention, theirs.self_attn, of)
    pairs += pairs_of_attention(ours.cross_attention, theirs.multihead_attn, of)
    return pairs + pairs_of_modules(
        [
            (ours.feed_forward.expand, theirs.linear1),
            (ours.feed_forward.contract, theirs.linear2),
            (ours.around_attention.norm, theirs.norm1),
            (ours.around_cross_attention.norm, theirs.norm2),
            (ours.around_feed_forward.norm, theirs.norm3),
        ],
        of,
    )


def pairs_of_stack(ours, theirs, of) -> list:
    of_layer = pairs_of_encoder_layer if isinstance(ours, Encoder) else pairs_of_decoder_layer
    pairs = [pair for one, other in zip(ours.layers, theirs.layers, strict=True) for pair in of_layer(one, other, of)]
    return pairs + pairs_of_modules([(ours.norm, theirs.norm)], of)


def own(parameter):
    return parameter.data


def gradient(parameter):
    return parameter.grad


def randomise(module: nn.Module) -> nn.Module:
    """So that offsets and norms, which begin at 0 and 1, differ from each other."""
    for parameter in module.parameters():
        nn.init.normal_(parameter, std=0.3)
    return module


def copied(pairs) -> None:
    for ours, theirs in pairs:
        ours.copy_(theirs)


def attention_pair(*, size, heads, memory_size=None):
    theirs = randomise(nn.MultiheadAttention(size, heads, batch_first=True, kdim=memory_size, vdim=memory_size))
    ours = multi_head_attention(size=size, heads=heads, memory_size=memory_size)
    copied(pairs_of_attention(ours, theirs, own))
    return ours, theirs


def encoder_pair(*, size, heads, inner_size, layers, norm_first, activation):
    layer = nn.TransformerEncoderLayer(
        size, heads, inner_size, dropout=0.0, activation=activation, batch_first=True, norm_first=norm_first
    )
    norm = nn.LayerNorm(size) if norm_first else None
    theirs = randomise(nn.TransformerEncoder(layer, layers, norm=norm, enable_nested_tensor=False))
    sizes = {"size": size, "heads": heads, "inner_size": inner_size, "layers": layers}
    ours = encoder(**sizes, norm_first=norm_first, activation=activation)
    copied(pairs_of_stack(ours, theirs, own))
    return ours, theirs


def decoder_pair(*, size, heads, inner_size, layers, norm_first, activation) -> tuple[Decoder, nn.TransformerDecoder]:
    layer = nn.TransformerDecoderLayer(
        size, heads, inner_size, dropout=0.0, activation=activation, batch_first=True, norm_first=norm_first
    )
    norm = nn.LayerNorm(size) if norm_first else None
    theirs = randomise(nn.TransformerDecoder(layer, layers, norm=norm))
    sizes = {"size": size, "heads": heads, "inner_size": inner_size, "layers": layers}
    ours = decoder(**sizes, norm_first=norm_first, activation=activation)
    copied(pairs_of_stack(ours, theirs, own))
    return ours, theirs


def same_gradients(pairs, *, rtol=1e-4, atol=2e-5) -> None:
    for ours, theirs in pairs:
        assert ours is not None
        torch.testing.assert_close(ours, theirs, rtol=rtol, atol=atol)
