"""How the bundled backbones are made: `python -m tlwidgets.backbones.pretraining NAME`.

`recipes` says what is trained on what, `batches` and `augment` make images from the drawings of
`tlwidgets.backbones.sources`, `loop` trains, `bundle` writes the folder that timm loads, `card` what is known about it.
"""
