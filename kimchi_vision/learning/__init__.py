"""What learns: augmentation, loaders, backbones, linear probe, training, explanations; fastai lives here."""
