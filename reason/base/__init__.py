"""Base classifiers and how they are run: architectures, taps, views, engines, and the evidence that a pass leaves.

Few places assume that inputs are images: `reason.data` with its `Preprocessing`, and here the poolings of `taps`, the
`views` and the engines that show both to the network. What comes after reads `Evidence` alone, so that evidence of
another modality is judged by `Detector.judge`.

May import `data`.
"""
