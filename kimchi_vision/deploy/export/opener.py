"""How model.pkl opens photos: as text, which every Python compiles for itself.

A pickled function is bytecode, which belongs to one version of Python; a function of this package is missing
where it is not installed.
"""

from __future__ import annotations

import inspect

from kimchi_vision.data import pixels
from kimchi_vision.data.decoding import PIXEL_LIMIT

_OPEN = f'''
from fastai.vision.core import PILImage

def create(source):
    """As training opened photos: upright, 8-bit sRGB, on white. source: path, bytes, array or picture."""
    return PILImage(opened(source))

def opened(source):
    try:
        from pillow_heif import register_heif_opener
        register_heif_opener()
    except ImportError:
        pass
    if isinstance(source, np.ndarray):
        source = Image.fromarray(source)
    if isinstance(source, Image.Image):
        return plain(upright(source))
    with Image.open(io.BytesIO(source) if isinstance(source, bytes) else source) as photo:
        size = photo.size
        while size[0] * size[1] > {PIXEL_LIMIT}:
            size = (size[0] // 2, size[1] // 2)
        if size != photo.size:
            photo.draft("RGB", size)
        low = of_low_bytes(photo)
        photo.load()
        if not low or uses_all_bits(photo):
            return plain(upright(photo))
        with Image.open(io.BytesIO(source) if isinstance(source, bytes) else source) as again:
            again.tile = low
            again.load()
            return plain(of_16_bits(upright(photo), upright(again)))
'''


def expression() -> str:
    """A Python expression whose value is a function from a photo to fastai's PILImage."""
    text = inspect.getsource(pixels) + _OPEN
    return f"(lambda names: exec({text!r}, names) or names['create'])({{'__name__': 'photos'}})"
