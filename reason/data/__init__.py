"""Images and where they come from: decoding, preprocessing, data sets, samples, augmentation and corruptions.

May import nothing but `errors`, `files`, `progress`, `registry`, `resources`, `structure`, `suggestions` and `threads`.
"""
