"""The Detector end to end, on the tiny bundle."""

import reason


def test_smoke(bundle_folder, shape_image, detector):
    loaded = reason.load(bundle_folder)
    v = loaded.predict([shape_image])[0]
    w = detector.predict([shape_image])[0]
    print(v.to_json())
    print(detector.certificate, detector.threshold)
    assert v == w
