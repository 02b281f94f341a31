"""The kernels once more in plain NumPy: slow, and easy to check against the formulas."""

import numpy as np

FACTS = {"beta2": 0.99, "eps": 1e-5}


def philox(counter, key):
    """Ten rounds of Philox-4x32 (Salmon et al. 2011, section 3.3)."""
    mask = 0xFFFFFFFF
    c, k = list(counter), list(key)
    for _ in range(10):
        p0, p1 = 0xD2511F53 * c[0], 0xCD9E8D57 * c[2]
        c = [(p1 >> 32) ^ c[1] ^ k[0], p1 & mask, (p0 >> 32) ^ c[3] ^ k[1], p0 & mask]
        k = [(k[0] + 0x9E3779B9) & mask, (k[1] + 0xBB67AE85) & mask]
    return c


def blocks(seed, stream, indices):
    mask = 0xFFFFFFFF
    key = (seed & mask, seed >> 32)
    return [philox((i & mask, i >> 32, stream & mask, stream >> 32), key) for i in indices]


def normals(seed, stream, n):
    """Box and Muller (1958) on pairs of uniform numbers of 53 bits."""
    out = []
    for a, b, c, d in blocks(seed, stream, range((n + 1) // 2)):
        u, v = ((((hi << 32 | lo) >> 11) + 0.5) * 2.0**-53 for hi, lo in ((a, b), (c, d)))
        radius, angle = np.sqrt(-2 * np.log(u)), 2 * np.pi * v
        out += [radius * np.cos(angle), radius * np.sin(angle)]
    return np.array(out[:n], dtype=np.float32)


def permutation(seed, stream, n):
    """Fisher and Yates, from the last place down."""
    out = list(range(n))
    for i in range(n, 1, -1):
        a, b, _, _ = blocks(seed, stream, [i])[0]
        j = ((a << 32 | b) * i) >> 64
        out[i - 1], out[j] = out[j], out[i - 1]
    return np.array(out, dtype=np.int64)


class OneCycle:
    """Adam on every row in every step, in single precision as the kernel's.

    (Against double precision a parameter whose gradient was once all but zero can differ by 1e-4
    in either: Adam divides it by its own size.)
    """

    def __init__(self, users, items, lr, beta, wd, low, high):
        self.tables = [users.copy(), items.copy()]
        self.m = [np.zeros_like(t) for t in self.tables]
        self.v = [np.zeros_like(t) for t in self.tables]
        self.lr, self.beta, self.wd, self.low, self.high = lr, beta, wd, low, high
        self.t = 0

    def step(self, user, item, rating):
        """Take one step on a batch and return its loss."""
        p, q = self.tables[0][user], self.tables[1][item]
        score = (p[:, :-1] * q[:, :-1]).sum(1) + p[:, -1] + q[:, -1]
        sigmoid = 1 / (1 + np.exp(-score))
        width = self.high - self.low
        error = self.low + width * sigmoid - rating
        slope = (2 / len(rating) * error * width * sigmoid * (1 - sigmoid))[:, None]
        gradients = [np.zeros_like(t) for t in self.tables]
        np.add.at(gradients[0], user, slope * np.c_[q[:, :-1], np.ones(len(q))])
        np.add.at(gradients[1], item, slope * np.c_[p[:, :-1], np.ones(len(p))])
        self._adam(gradients)
        return np.mean(error**2)

    def _adam(self, gradients):
        self.t += 1
        lr, beta = self.lr[self.t - 1], self.beta[self.t - 1]
        beta2, eps = FACTS["beta2"], FACTS["eps"]
        for p, m, v, g in zip(self.tables, self.m, self.v, gradients, strict=True):
            p[:] = (1 - lr * self.wd) * p
            m[:] = beta * m + (1 - beta) * g
            v[:] = beta2 * v + (1 - beta2) * g**2
            p[:] = p - lr / (1 - beta**self.t) * m / (np.sqrt(v / (1 - beta2**self.t)) + eps)


def posterior(partners, rating, weight, precision, shift, alpha, mu):
    """Return A and c of native/include/palate/gibbs.hpp for one row, in double precision."""
    z = np.c_[partners[:, :-1], np.ones(len(partners))].astype(np.float64)
    target = rating.astype(np.float64) - mu - partners[:, -1]
    return precision + alpha * (z.T * weight) @ z, shift + alpha * z.T @ (weight * target)


def sample_row(partners, rating, weight, precision, shift, alpha, mu, noise):
    """Draw a row from N(A^-1 c, A^-1) with these normal numbers, and return its residuals too.

    A = M' M with M lower triangular, which is Cholesky's factor of A read backwards.
    """
    a, c = posterior(partners, rating, weight, precision, shift, alpha, mu)
    m = np.linalg.cholesky(a[::-1, ::-1])[::-1, ::-1].T
    row = np.linalg.solve(m, np.linalg.solve(m.T, c) + noise)
    return row, residuals(partners, rating, row, mu)


def residuals(partners, rating, row, mu):
    """Return ratings minus predictions of one row, in double precision."""
    z, x = partners.astype(np.float64), row.astype(np.float64)
    return rating - (z[:, :-1] @ x[:-1] + x[-1] + z[:, -1] + mu)


def top_n(users, items, seen, allowed, n):
    """Return the n best rows of each user and their scores, from a full table of scores.

    `seen` has a list of item rows for each user. Scores are in double precision.
    """
    p, q = users.astype(np.float64), items.astype(np.float64)
    table = p[:, :-1] @ q[:, :-1].T + p[:, -1:] + q[:, -1]
    rows = np.full((len(users), n), -1, np.int32)
    scores = np.full((len(users), n), -np.inf)
    for u, row in enumerate(table):
        left = np.setdiff1d(np.flatnonzero(allowed), seen[u])
        best = left[np.argsort(-row[left], kind="stable")][:n]
        rows[u, : len(best)], scores[u, : len(best)] = best, row[best]
    return rows, scores


def infer_row(partners, covariance, rating, weight, precision, shift, alpha, mu):
    """Return mean and covariance of one row, and both parts of its sum of weighted squares."""
    z = np.c_[partners[:, :-1], np.ones(len(partners))].astype(np.float64)
    target = rating.astype(np.float64) - mu - partners[:, -1]
    moment = z[:, :, None] * z[:, None, :]
    moment[:, :-1, :-1] += covariance
    total = np.einsum("n,nij->ij", weight.astype(np.float64), moment)
    spread = np.linalg.inv(precision + alpha * total)
    mean = spread @ (shift + alpha * z.T @ (weight * target))
    squares = weight @ (target - z @ mean) ** 2
    squares += np.einsum("n,nij,i,j->", weight, covariance, mean[:-1], mean[:-1])
    return mean, spread, (squares, np.sum(spread * total))


def ratings_almost_without_noise(side, mu):
    """Return ratings of random rows, with noise of 1e-4, in the places of `side`'s."""
    rng, count = np.random.default_rng(1), len(side.starts) - 1
    rows = rng.normal(size=(count, side.partners.shape[1]))
    row = np.repeat(np.arange(count), np.diff(side.starts))
    z = side.partners[side.partner].astype(np.float64)
    score = (z[:, :-1] * rows[row, :-1]).sum(1) + rows[row, -1] + z[:, -1] + mu
    return (score + 1e-4 * rng.normal(size=len(row))).astype(np.float32)
