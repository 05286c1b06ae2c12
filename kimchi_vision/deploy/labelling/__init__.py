"""Photos without a class: sorted by a run's model, chosen for people to label, taken back."""
