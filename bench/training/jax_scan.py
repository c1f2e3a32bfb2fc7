"""JAX: the data on the device, a whole epoch in one compiled `lax.scan`, buffers donated.

The last, short batch of an epoch is left out, as is usual there: a second shape would compile a second time. The
default generator is kept for dropout; XLA's own (`rbg`) was a third slower on CPU.
"""

import os

os.environ["JAX_PLATFORMS"] = "cpu"

import jax
import jax.numpy as jnp
import numpy as np
import optax
from contest import JOB, Clock, read_split, report

features, labels = map(jnp.asarray, read_split("train"))
test_features, test_labels = map(jnp.asarray, read_split("t10k"))
steps = len(features) // JOB["batchSize"]

sizes = [784, *JOB["hidden"], 10]
key, *layer_keys = jax.random.split(jax.random.key(JOB["seed"]), len(sizes))
glorot = jax.nn.initializers.glorot_uniform()
weights = [
    (glorot(one, (fan_in, fan_out)), jnp.zeros(fan_out))
    for one, fan_in, fan_out in zip(layer_keys, sizes, sizes[1:])
]
optimizer = optax.adam(JOB["learningRate"])


def logits_of(weights, x, key=None):
    for kernel, bias in weights[:-1]:
        x = jax.nn.relu(x @ kernel + bias)
        if key is not None and JOB["dropout"] > 0:
            key, own = jax.random.split(key)
            kept = jax.random.bernoulli(own, 1 - JOB["dropout"], x.shape)
            x = jnp.where(kept, x / (1 - JOB["dropout"]), 0)
    kernel, bias = weights[-1]
    return x @ kernel + bias


def loss_of(weights, x, y, key):
    return optax.softmax_cross_entropy_with_integer_labels(logits_of(weights, x, key), y).mean()


@jax.jit(donate_argnums=(0, 1))
def train_epoch(weights, moments, key, order, features, labels):
    def step(carry, batch):
        weights, moments, key = carry
        key, own = jax.random.split(key)
        gradient = jax.grad(loss_of)(weights, features[batch], labels[batch], own)
        updates, moments = optimizer.update(gradient, moments)
        return (optax.apply_updates(weights, updates), moments, key), None

    return jax.lax.scan(step, (weights, moments, key), order)[0]


@jax.jit
def accuracy_of(weights, features, labels):
    return (logits_of(weights, features).argmax(1) == labels).mean()


random = np.random.default_rng(JOB["seed"])
moments = optimizer.init(weights)
clock = Clock()
for _ in range(JOB["epochs"]):
    clock.start_epoch()
    order = random.permutation(len(features))[: steps * JOB["batchSize"]].reshape(steps, -1)
    weights, moments, key = train_epoch(weights, moments, key, order, features, labels)
    clock.end_epoch(accuracy_of(weights, test_features, test_labels))
report({"jax": jax.__version__, "optax": optax.__version__}, clock)
