"""Where the work runs: a CUDA GPU if there is one, else the CPU."""

import ctypes
import gc
import os
import resource

import torch

# glibc's malloc.h, mallopt(3). The largest values that it takes.
M_TRIM_THRESHOLD, MAX_TRIM_THRESHOLD = -1, 2**31 - 1
M_MMAP_THRESHOLD, MAX_MMAP_THRESHOLD = -3, 2**25


def default_device() -> torch.device:
    """Return the first CUDA device, or the CPU."""
    # Batches differ in length, and pieces of another size would lie about unused. Read by torch before it first allocates.
    os.environ.setdefault("PYTORCH_ALLOC_CONF", "expandable_segments:True")
    if torch.cuda.is_available():
        # cuDNN's attention builds a plan for each new length of a batch, up to a second; prompts have dozens of lengths.
        torch.backends.cuda.enable_cudnn_sdp(False)
        return torch.device("cuda", torch.cuda.current_device())
    return torch.device("cpu")


def use_threads(threads: int) -> None:
    """Let torch use ``threads`` CPU threads. More than the job was given slows its neighbours down threefold."""
    torch.set_num_threads(threads)


def keep_freed_memory() -> None:
    """Let this process keep freed memory for its next tensors, where its malloc is glibc's.

    Otherwise what one layer frees goes back to the system and is handed to the next page by page, filled with zeros, which takes
    processor time in every step on a CPU.
    """
    if mallopt := getattr(ctypes.CDLL(None), "mallopt", None):
        mallopt(M_TRIM_THRESHOLD, MAX_TRIM_THRESHOLD)
        mallopt(M_MMAP_THRESHOLD, MAX_MMAP_THRESHOLD)


def free_bytes(device: torch.device) -> int | None:
    """Return how much of a GPU's memory new tensors can have, or None for a device that others share, as jobs do a CPU."""
    if device.type != "cuda":
        return None
    release_memory()
    return int(torch.cuda.mem_get_info(device)[0])


def release_memory() -> None:
    """Give back what is no longer used, so that other pieces find room."""
    gc.collect()
    if torch.cuda.is_available():
        torch.cuda.empty_cache()


def reset_peak_memory() -> None:
    """Begin a new measurement of peak memory, where the device can."""
    if torch.cuda.is_available():
        torch.cuda.reset_peak_memory_stats()


def peak_memory_mb() -> float:
    """Return the most memory used: the GPU's since the reset, or this process's since it began, in MB."""
    if torch.cuda.is_available():
        return float(torch.cuda.max_memory_allocated()) / 2**20
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**10
