"""Finds pictures of a kind that was never shown, by how badly a GAN can make them.

The generator learns all classes but one. For each test picture the latent vector is sought whose picture is nearest
(Schlegl et al., arXiv 1703.05921, without their discriminator's part); what distance remains tells how strange the
picture is. Beside it stands what remains after as many principal components as the latent vector has values.

python anomalies.py --dataset fashion-mnist --held-out Sneaker --output runs/anomalies
"""

import argparse
import json
from pathlib import Path

import numpy as np
import torch
from sklearn.decomposition import PCA
from sklearn.metrics import roc_auc_score

import chainrule
from chainrule.data.opening import open_examples

STEPS, RATE = 150, 0.05  # of the search for a latent vector
STARTS = 256  # latent vectors, the nearest of whose pictures it begins with


def remaining(network, latent_size, pictures):
    """The squared distance of each picture, in [-1, 1], from the nearest one that the generator was found to make."""
    draw = torch.Generator().manual_seed(0)
    starts = torch.randn(STARTS, latent_size, generator=draw)
    with torch.no_grad():
        near = torch.cdist(pictures.flatten(1), network(starts, None).flatten(1)).argmin(dim=1)
    latents = starts[near].clone().requires_grad_()
    search = torch.optim.Adam([latents], lr=RATE)
    for _ in range(STEPS):
        search.zero_grad()
        left = (network(latents, None) - pictures).square().flatten(1).sum(dim=1)
        left.sum().backward()
        search.step()
    return left.detach().numpy()


def without(examples, strange):
    """Pictures and labels of the examples that are not of one class."""
    labels = examples.labels()
    places = np.flatnonzero(labels != strange)
    return examples.pictures(places), labels[places]


def compare(dataset, output, *, held_out, seed, most, gan):
    """The area under the ROC curve of both methods: how often a strange picture scores above a usual one."""
    examples = open_examples(dataset, None, kind="pictures")
    strange, names = examples.classes.index(held_out), np.array(examples.classes)
    test = examples.split("test").limited_to(most)
    parts = {name: without(examples.split(name), strange) for name in ("train", "validation")}
    parts["test"] = without(test, strange)
    arrays = {f"x_{name}": pictures.transpose(0, 2, 3, 1) for name, (pictures, _) in parts.items()}
    arrays |= {f"y_{name}": names[labels] for name, (_, labels) in parts.items()}
    output.mkdir(parents=True)
    np.savez(output / "known.npz", **arrays)
    chainrule.train("gan", data=output / "known.npz", output=output / "gan", seed=seed, **gan)
    model = chainrule.load(output / "gan", device="cpu")
    pixels = test.pictures().astype(np.float32) / 127.5 - 1
    pieces = [torch.from_numpy(piece) for piece in np.array_split(pixels, max(1, len(pixels) // 250))]
    scores = np.concatenate([remaining(model.network, model.latent_size, piece) for piece in pieces])
    known, tested = (flat.reshape(len(flat), -1) for flat in (parts["train"][0] / 127.5 - 1, pixels))
    components = PCA(min(model.latent_size, known.shape[1] - 1), random_state=0).fit(known)
    left = np.square(components.inverse_transform(components.transform(tested)) - tested).sum(axis=1)
    truth = test.labels() == strange
    areas = {"gan": roc_auc_score(truth, scores), "principal components": roc_auc_score(truth, left)}
    return {"held_out": held_out, "pictures": len(test), "strange": int(truth.sum()), "area": areas}


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--dataset", default="fashion-mnist")
    parser.add_argument("--held-out", default="Sneaker", help="the class that is never shown")
    parser.add_argument("--output", type=Path, required=True)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--pictures", type=int, default=2000, help="test pictures that are scored, at most")
    parser.add_argument("--gan-steps", type=int, default=4000)
    given = parser.parse_args()
    found = compare(
        given.dataset,
        given.output,
        held_out=given.held_out,
        seed=given.seed,
        most=given.pictures,
        gan={"steps": given.gan_steps},
    )
    print(json.dumps(found, indent=2))
