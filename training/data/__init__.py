"""MNIST, what visitors corrected, and the batches that training shows."""
