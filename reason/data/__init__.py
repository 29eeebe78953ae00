"""Images and where they come from: decoding, preprocessing, data sets, samples, augmentation and corruptions.

May import nothing but `errors`, `progress`, `registry`, `resources`, `suggestions` and `threads`.
"""
