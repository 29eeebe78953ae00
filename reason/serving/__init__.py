"""The REST service: upload an image, get its verdict.

``create_app`` returns a WSGI application, ``serve`` runs it, ``Settings`` says how.
"""

from reason.serving.app import create_app
from reason.serving.server import serve
from reason.serving.settings import Settings

__all__ = ["Settings", "create_app", "serve"]
