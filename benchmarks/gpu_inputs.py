"""The inputs of gpu_acceptance.py, made beforehand where pandas is: survey prompts as token ids, in one small file.

python benchmarks/gpu_inputs.py [--prompts 512] [--output results/benchmarks/gpu_inputs.json]
"""

import argparse
from pathlib import Path

from measure import ROOT, encoded, survey

from stimmung.vocabulary.atomic_files import write_json

INPUTS = ROOT / "results/benchmarks/gpu_inputs.json"


def main() -> None:
    parser = argparse.ArgumentParser(description="Make the inputs of gpu_acceptance.py.")
    parser.add_argument("--prompts", type=int, default=512)
    parser.add_argument("--output", type=Path, default=INPUTS)
    options = parser.parse_args()
    prompts = encoded(*survey(options.prompts))
    content = {
        "contexts": [list(one.context_ids) for one in prompts],
        "options": [list(ids) for ids in prompts[0].continuation_ids],
    }
    options.output.parent.mkdir(parents=True, exist_ok=True)
    write_json(content, options.output)


if __name__ == "__main__":
    main()
