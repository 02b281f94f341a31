"""A GPU: a Gibbs sweep and the book's five epochs, beside the processor.

    python benchmarks/gpu.py            2 million ratings
    python benchmarks/gpu.py --large    20 million ratings

It requires pip install 'palate[torch]'. A sweep draws all rows and the priors of both sides; the
time is the median of the last ones.
"""

import sys

import torch
from _common import median_seconds, parse_arguments, surroundings, synthetic

import palate
from palate.torch import CollabDataLoaders, DotProductBias, Learner, MSELossFlat

FACTORS, SWEEPS = 64, 6
OPTIONS = {
    "large": "20 million ratings instead of 2 million",
}


def seconds_of_sweep(ratings, device):
    solver = palate.Gibbs(factors=FACTORS, sweeps=SWEEPS, burn_in=SWEEPS - 1, device=device)
    return solver.fit(ratings).history["seconds"][1:-1].median()


def seconds_of_epochs(*, mixed_precision):
    dls = CollabDataLoaders.from_ratings(palate.movielens("100k"), bs=64, seed=0, device="cuda")

    def fit():
        learn = Learner(
            dls,
            DotProductBias(*dls.sizes, 50),
            MSELossFlat(),
            native=False,
            mixed_precision=mixed_precision,
            progress=False,
        )
        learn.fit_one_cycle(5, 5e-3, wd=0.1)

    return median_seconds(fit, runs=3)


def main():
    options = parse_arguments(__doc__, **OPTIONS)
    if not torch.cuda.is_available():
        sys.exit("PyTorch finds no GPU here")
    print(f"{torch.cuda.get_device_name()}; {surroundings('torch')}")
    size = (142_857, 27_000, 20_000_000) if options.large else (14_286, 6_000, 2_000_000)
    ratings = synthetic(*size)
    kernel, found = (seconds_of_sweep(ratings, device) for device in ("cpu", "cuda"))
    print(f"{len(ratings):,} ratings, {FACTORS} factors, seconds of a sweep:")
    print(f"native kernel {kernel:.2f}, GPU {found:.2f}, {kernel / found:.1f} times as fast")
    print("Five epochs of MovieLens 100k, 50 factors, batches of 64, seconds:")
    for mixed in (False, True):
        precision = "mixed" if mixed else "single"
        seconds = seconds_of_epochs(mixed_precision=mixed)
        print(f"autograd on the GPU, {precision} precision: {seconds:.2f}")


if __name__ == "__main__":
    main()
