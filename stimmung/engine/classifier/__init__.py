"""The BERT-style arm: a classification head tuned with LoRA."""
