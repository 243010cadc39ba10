"""What scores a completion, in TRL's calling convention: `f(prompts, completions, **columns)`."""
