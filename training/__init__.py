"""The training pipeline of the apply model: mine, synthesise, tokenise, fit, export."""
