"""What is kept by content: paths, manifests, locks. No torch, so that the Snakefile can import it."""
