"""From a run to the Hub: the gate's measurements, the model card, the Hub and Spaces."""
