"""LoRA factors, trained under the rounding of serving."""
