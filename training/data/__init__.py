"""MNIST, visitors' corrections, and training batches."""
